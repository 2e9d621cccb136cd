/** Search as the user meets it: always of the files as they are now, in the view, the palette and the composer. */

import { expect, test, type Window } from './window';

const files = {
  'src/money.rs': 'pub struct Money;\n\nimpl Money {\n    pub fn split_evenly(&self) {}\n}\n',
  'docs/rounding.md': '# Rounding\n\nRefunds are rounded half to even.\n',
  'secret/plan.md': 'Refunds move abroad.\n',
  'build/out.txt': 'Refunds of the build.\n',
  '.kerfignore': 'secret/\n',
  '.gitignore': 'build/\n',
};

test('the search view finds what is in the files now, and nothing that is ignored', async ({ open }) => {
  const kerf = await open({ files });
  const { page } = kerf;
  await page.keyboard.press('Control+Shift+F');
  const field = page.getByRole('textbox', { name: 'Search in the project' });
  const hits = page.getByRole('tree');
  await field.fill('refunds');
  await hits.getByText('Refunds are rounded half to even.').waitFor();
  expect(await hits.getByText(/abroad|of the build/).count()).toBe(0);

  // An edit from outside is found without any sign from the user but the next search.
  kerf.repository.write('src/refund.rs', 'pub fn refund_in_full() {}\n');
  await field.fill('refund_in_full');
  await hits.getByText('pub fn refund_in_full() {}').waitFor();

  await page.keyboard.press('Alt+S');
  await field.fill('Money::split');
  await hits
    .getByText(/split_evenly/)
    .first()
    .waitFor();

  await page.keyboard.press('Alt+R');
  await field.fill('fn (');
  await page
    .getByRole('alert')
    .getByText(/unclosed group/)
    .waitFor();
  await field.fill('fn \\w+_full');
  await hits.getByText('pub fn refund_in_full() {}').waitFor();

  // A line goes into the message.
  await field.press('Alt+Enter');
  await kerf.button('Write the message').click();
  expect(await kerf.composer.inputValue()).toContain('src/refund.rs');
});

test('the palette finds files, symbols and text in one list, and the composer completes both', async ({
  open,
}) => {
  const kerf = await open({ files });
  const { page } = kerf;
  await page.keyboard.press('Control+K');
  const palette = page.getByRole('dialog').getByRole('combobox');
  await palette.fill('split_evenly');
  await page
    .getByRole('option', { name: /split_evenly.*money\.rs/ })
    .first()
    .waitFor();
  await palette.fill('rounding.md');
  await page
    .getByRole('option', { name: /rounding\.md/ })
    .first()
    .waitFor();
  await page.keyboard.press('Escape');

  await kerf.composer.pressSequentially('see @round');
  await page
    .getByRole('option', { name: /rounding\.md/ })
    .first()
    .waitFor();
  await kerf.composer.press('Enter');
  expect(await kerf.composer.inputValue()).toContain('docs/rounding.md');
  await kerf.composer.fill('');
  await kerf.composer.pressSequentially('and @split_ev');
  await page
    .getByRole('option', { name: /split_evenly/ })
    .first()
    .waitFor();
  await kerf.composer.press('Enter');
  expect(await kerf.composer.inputValue()).toBe('and src/money.rs:4 ');
});

/** Everything in the palette's list, as the arrow keys find it, with what stands beside it. */
async function listed(kerf: Window) {
  const dialog = kerf.page.getByRole('dialog');
  const field = dialog.getByRole('combobox');
  const seen = new Map<string, { title: string; beside: string }>();
  for (;;) {
    await kerf.settled();
    const id = (await field.getAttribute('aria-activedescendant')) ?? '';
    if (seen.has(id)) return [...seen.values()];
    const title = await kerf.page.locator(`[id="${id}"]`).innerText();
    seen.set(id, { title, beside: await dialog.locator('.beside').innerText() });
    await field.press('ArrowDown');
  }
}

test('the palette has files, symbols, commands, text and history in one list, each with a preview', async ({
  open,
}) => {
  const kerf = await open({
    files: {
      'docs/ledger.md': '# Books\n\nWho keeps what.\n',
      'src/book.rs': 'pub struct Book;\n\npub fn ledger_of(book: &Book) {}\n',
      'notes.txt': 'On Fridays\nthe ledger is closed early.\n',
    },
  });
  const { page } = kerf;
  kerf.model.replies('It lists every request.');
  await kerf.send('Explain the ledger to me');
  await kerf.ended();

  await page.keyboard.press('Control+K');
  const palette = page.getByRole('dialog').getByRole('combobox');
  await palette.fill('ledger');
  const expected: [RegExp, RegExp][] = [
    [/^ledger\.md\s+docs/, /Who keeps what\./],
    [/^ledger_of\s+function · src\/book\.rs:3/, /pub struct Book;/],
    [/^Show the ledger/, /Commands/],
    [/^the ledger is closed early\.\s+notes\.txt:2/, /On Fridays/],
    [/^Explain the ledger to me/, /History/],
  ];
  const missing = async () => {
    const list = await listed(kerf);
    const isIn = ([title, beside]: [RegExp, RegExp]) =>
      list.some((item) => title.test(item.title) && beside.test(item.beside));
    return expected.filter((one) => !isIn(one));
  };
  await expect.poll(missing, { timeout: 15_000 }).toEqual([]);
});

/** Every command of the palette, each run on a page of its own. */

import type { Locator } from 'playwright';
import { expect, test, type Window } from './window';

const OLD = Array.from({ length: 30 }, (_, at) => `line ${at}\n`).join('');
const NEW = OLD.replace('line 2\n', 'second\n').replace('line 27\n', 'last\n');

/** A new task with two turns and a review of which a part is accepted. */
async function makeTask(
  { rpc, model, repository }: Pick<Window, 'rpc' | 'model' | 'repository'>,
  number: number,
) {
  const path = `notes-${number}.txt`;
  repository.write(path, OLD);
  model
    .replies({ call: 'read_file', with: { path } })
    .replies({ call: 'write_file', with: { path, content: NEW } })
    .replies('Written.')
    .replies('You are welcome.');
  const { id: session_id } = await rpc('session/new', {
    folder: repository.path,
    policy: { sandbox: 'workspace-write', approve: 'auto' },
    endpoint: null,
    model: null,
  });
  const prompt = async (text: string, turns: number) => {
    await rpc('session/prompt', { session_id, text, images: [], when_running: 'queue' });
    await expect
      .poll(
        async () => {
          const { running, transcript } = await rpc('session/attach', { session_id });
          return running ? 0 : transcript.turns.length;
        },
        { timeout: 15_000, interval: 20 },
      )
      .toBe(turns);
  };
  await prompt(`Write notes ${number}`, 1);
  await prompt('Thanks', 2);
  const target = { type: 'hunk', path, hunk: 1, id: null } as const;
  await rpc('review/decide', { session_id, decision: 'accept', target });
}

async function openPalette({ page }: Window): Promise<Locator> {
  await page.keyboard.press('ControlOrMeta+k');
  const field = page.getByRole('combobox', { name: /Search code, files/ });
  await field.waitFor();
  return field;
}

/** All commands with their keys, as the arrow keys find them: the list is mounted only where it is seen. */
async function commandsOf(kerf: Window): Promise<{ title: string; keys: string }[]> {
  const field = await openPalette(kerf);
  await field.fill('>');
  const commands: { title: string; keys: string }[] = [];
  for (;;) {
    const option = kerf.page.locator(`[id="${await field.getAttribute('aria-activedescendant')}"]`);
    const title = await option.locator('span').first().innerText();
    if (commands.some((command) => command.title === title)) return commands;
    const keys = (await option.locator('kbd').allInnerTexts()).join();
    commands.push({ title, keys });
    await field.press('ArrowDown');
  }
}

/** Commands of which something particular is to be seen. */
const SEEN: Record<string, (kerf: Window) => Promise<unknown>> = {
  'Add endpoint…': ({ page }) => page.getByRole('dialog', { name: 'Add endpoint' }).waitFor(),
  'Commit what is accepted…': ({ page }) => page.getByRole('dialog', { name: 'Commit 1 hunk' }).waitFor(),
  'Delete task…': ({ page }) => page.getByRole('dialog', { name: /^Delete “Write notes/ }).waitFor(),
  'Remove project from the list…': ({ page }) =>
    page.getByRole('dialog', { name: /^Remove .* from the list\?/ }).waitFor(),
  'Show the ledger': ({ page }) => page.getByRole('heading', { name: 'Ledger' }).waitFor(),
  Settings: ({ page }) => page.getByRole('heading', { name: 'Settings' }).waitFor(),
  'Settings: endpoints': ({ page }) => page.getByRole('heading', { name: 'Endpoints' }).waitFor(),
  'Settings: keys': ({ page }) => page.getByRole('heading', { name: 'Keys' }).waitFor(),
  'Settings: what works here': ({ page }) => page.getByRole('heading', { name: 'What works here' }).waitFor(),
  'Accept rest': ({ review }) => review.getByText('2 of 2 hunks accepted, 0 rejected, none to go').waitFor(),
  'Reject rest': ({ review }) => review.getByText('1 of 2 hunks accepted, 1 rejected, none to go').waitFor(),
  'Comment on hunk or selected lines': ({ review }) =>
    review.getByRole('textbox', { name: /^Comment on/ }).waitFor(),
  'Rename task': ({ page }) => expect.poll(() => page.locator('nav input:focus').count()).toBe(1),
  'Write a message': ({ page }) => expect.poll(() => page.locator('textarea:focus').count()).toBe(1),
  'New task': ({ page }) => page.getByRole('heading', { name: /What is to be done/ }).waitFor(),
};

/** Commands that cannot do their work here, and what is said of it. */
const NOT_HERE: [RegExp, RegExp][] = [
  [/^Open file in editor$/, /a browser opens no editor/],
  [/^(Fetch|Pull|Push|Open a pull request)\b/, /no remote|no upstream|follows no/],
  [/^(Continue|Abort) the merge or rebase/, /under way/],
];

test('every command runs, or asks, and none fails', async ({ open }) => {
  const kerf = await open();
  const { page } = kerf;
  let made = 0;
  const begun = kerf.review.getByText('1 of 2 hunks accepted, 0 rejected, 1 to go');
  /** A page as it was at the very first, with a task in which each command makes sense. */
  const fresh = async () => {
    await page.evaluate(() => localStorage.clear());
    await kerf.reopen();
    if (await begun.isVisible()) return;
    made += 1;
    await makeTask(
      { rpc: (method, params) => kerf.rpc(method, params), model: kerf.model, repository: kerf.repository },
      made,
    );
    await kerf.reopen();
    await begun.waitFor();
  };
  let asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.type());
    void dialog.dismiss();
  });
  page.on('filechooser', () => asked.push('file'));
  page.context().on('page', (other) => {
    asked.push('page');
    void other.close();
  });

  await fresh();
  const listed = await commandsOf(kerf);
  const commands = listed.map(({ title }) => title);
  const keys = listed.flatMap(({ keys }) => keys || []);
  expect(keys, 'keys start one command').toEqual([...new Set(keys)]);
  for (const title of Object.keys(SEEN)) expect(commands).toContain(title);
  expect(commands.length).toBeGreaterThan(35);

  for (const title of commands) {
    await fresh();
    asked = [];
    const field = await openPalette(kerf);
    await field.fill(`>${title}`);
    await page.getByRole('option', { name: title }).first().waitFor();
    await field.press('Enter');
    await field.waitFor({ state: 'detached' });
    await kerf.settled();
    await SEEN[title]?.(kerf);
    // What asks shows a dialog of the window or of the system.
    if (title.endsWith('…'))
      await expect
        .poll(async () => asked.length + (await page.getByRole('dialog').count()), { message: title })
        .toBeGreaterThan(0);
    const problems = await page.locator('.problem').allInnerTexts();
    // A browser has no editor, and the repository no remote and no merge; that this is told is right.
    const told = NOT_HERE.find(([command]) => command.test(title))?.[1];
    expect(problems, title).toEqual(told ? [expect.stringMatching(told)] : []);
    expect(kerf.errors, title).toEqual([]);
  }
}, 600_000);

/** The review desk: a version of one's own reaches the disk byte for byte, and what is around a hunk is shown. */

import { expect, test } from './window';

const line = (at: number) => `line ${at}\r\n`;
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => line(from + at)).join('');
const BEFORE = lines(1, 200);
const around = (middle: string) =>
  lines(1, 99) + middle + lines(101, 149) + '\tline  150\r\n' + lines(151, 200);

test('a hunk is accepted in one’s own words, and the proposal comes back', async ({ open }) => {
  const kerf = await open({
    files: { 'src/a.txt': BEFORE, 'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>\n' },
  });
  const { page, review, model } = kerf;
  const edits = [
    { old: 'line 100', new: 'a hundred\nand one' },
    { old: 'line 150', new: '\tline  150' },
  ];
  const drawn = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="4"/>';
  model
    .replies({ call: 'edit_file', with: { path: 'src/a.txt', edits } })
    .replies({
      call: 'edit_file',
      with: { path: 'logo.svg', edits: [{ old: '<svg xmlns="http://www.w3.org/2000/svg"/>', new: drawn }] },
    })
    .replies('Changed.');
  await kerf.send('Change three places');
  await kerf.allow();
  await kerf.allow();
  await kerf.ended();
  await review.getByText('0 of 3 hunks accepted, 0 rejected, 3 to go').waitFor();
  await kerf.file('src/a.txt', around('a hundred\r\nand one\r\n'));

  // The first hunk in one's own words, by keys alone. The ends of lines are the file's.
  await review.locator('[data-path="src/a.txt"]').click();
  await page.keyboard.press('e');
  const field = review.getByRole('textbox', { name: 'Your lines of src/a.txt, from line 100' });
  await field.waitFor();
  expect(await field.inputValue()).toBe('a hundred\nand one\n');
  await field.fill('a hundred\n\tand mine\n');
  await field.press('ControlOrMeta+Enter');
  await review.getByText('1 of 3 hunks accepted, 0 rejected, 2 to go').waitFor();
  await kerf.file('src/a.txt', around('a hundred\r\n\tand mine\r\n'));

  await page.keyboard.press('u');
  await review.getByText('0 of 3 hunks accepted, 0 rejected, 3 to go').waitFor();
  await kerf.file('src/a.txt', around('a hundred\r\nand one\r\n'));

  // Lines around are read from the engine, on both sides.
  expect(await review.getByText('line 80', { exact: true }).count()).toBe(0);
  await page.keyboard.press('x');
  await review.getByText('line 80', { exact: true }).waitFor();

  // White space alone is folded to a line that says so, and decided at its head.
  await page.keyboard.press('Shift+w');
  await page.keyboard.press('j');
  await review.getByText('1 line differs only in white space').waitFor();
  const space = review.getByRole('group', { name: 'Hunk 2 of src/a.txt' });
  await kerf.button(/^Accept/, space).click();
  await review.getByText('1 of 3 hunks accepted, 0 rejected, 2 to go').waitFor();

  // A picture is drawn from bytes that are here.
  await review.locator('[data-path="logo.svg"]').click();
  await review.getByRole('button', { name: 'Draw it' }).click();
  await review.getByText('9 × 4, 63 B').waitFor();
  expect([...kerf.hosts]).toEqual([new URL(kerf.url).host]);

  // A line is decided beside the pointer, and by keys alone.
  await review.locator('[data-path="src/a.txt"]').click();
  await review.getByText('and one', { exact: true }).click({ button: 'right' });
  const menu = page.getByRole('menu');
  await menu.getByRole('menuitem', { name: /^Why: from edit_file, turn 1/ }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+F10');
  await menu.getByRole('menuitem', { name: /^Reject line/ }).click();
  await kerf.file('src/a.txt', around('a hundred\r\n'));
});

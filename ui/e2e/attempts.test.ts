/** Three attempts of one request: begun from the composer, compared, hunks of two taken, checked, and taken back. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { overlaps } from '../src/overlaps';
import { expect, PICTURES, test } from './window';

const lines = (changed: Record<number, string> = {}) =>
  Array.from({ length: 40 }, (_, at) => `${changed[at] ?? `line ${at}`}\n`).join('');

const edit = (...edits: [number, string][]) => ({
  call: 'edit_file',
  with: { path: 'src/lines.txt', edits: edits.map(([at, to]) => ({ old: `line ${at}\n`, new: `${to}\n` })) },
});
const command = (line: string) => ({ call: 'run_command', with: { command: line } });

test('three attempts are compared, hunks of two taken, checked and taken back', async ({ open }) => {
  const kerf = await open({ files: { 'src/lines.txt': lines(), 'other.txt': 'stays\n' } });
  const { page, model, repository } = kerf;
  model.models = ['one', 'two', 'three'];
  model
    .repliesOf('one', edit([3, 'three by one'], [30, 'thirty by one']))
    .repliesOf('one', command('grep -q "by one" src/lines.txt'))
    .repliesOf('one', 'Done by one.')
    .repliesOf('two', edit([3, 'three by two'], [20, 'twenty by two']), {
      call: 'write_file',
      with: { path: 'new.txt', content: 'new\n' },
    })
    .repliesOf('two', command('exit 3'))
    .repliesOf('two', 'Done by two.')
    .repliesOf('three', edit([3, 'three by one']))
    .repliesOf('three', 'Done by three.');

  await kerf.button('Approvals: Ask first').click();
  await page.getByRole('menuitem', { name: 'Auto' }).click();
  await kerf.button('Works: In place').click();
  await page.getByRole('menuitem', { name: 'Several attempts…' }).click();
  for (const [at, name] of model.models.entries()) {
    await page.getByRole('button', { name: new RegExp(`^Model of attempt ${at + 1}:`) }).click();
    await page.getByRole('option', { name: /environment/ }).click();
    await page.getByRole('option', { name, exact: true }).click();
  }
  await kerf.button('Make 3 attempts').click();
  await kerf.send('Make the lines better');

  // One entry in the sidebar, and a way from one attempt to another.
  const bar = page.getByRole('navigation', { name: 'Attempts' });
  await bar.waitFor();
  await kerf.task('Make the lines better').waitFor();
  expect(await kerf.task('Make the lines better').count()).toBe(1);
  await kerf.button(/^Attempt 2,/, bar).click();
  await kerf.stream.getByText('Done by two.').waitFor();
  await kerf.button('Compare', bar).click();

  const columns = page.getByRole('article');
  for (const at of [0, 1, 2]) await columns.nth(at).getByText('done').waitFor();
  await expect.poll(() => columns.nth(0).innerText()).toMatch(/1 file \+2 −2/);
  expect(await columns.nth(0).innerText()).toContain('grep -q "by one" src/lines.txt');
  await columns.nth(1).getByText('exit 3').waitFor();
  const file = page.getByRole('region', { name: 'src/lines.txt' });
  await file.getByText('three by two').waitFor();
  expect(repository.read('src/lines.txt')).toBe(lines());

  mkdirSync(PICTURES, { recursive: true });
  const hunk = (at: number, of: number) =>
    page.getByRole('checkbox', { name: `Hunk ${at} of src/lines.txt of attempt ${of}`, exact: true });
  const taken = page.getByRole('region', { name: 'What is taken' });

  // Two that differ about a line are named, and nothing can be applied.
  await hunk(1, 1).focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Space');
  await taken.getByText(/attempts 1 and 2 change line 4 of src\/lines\.txt differently/).waitFor();
  expect(await kerf.button('Apply to your folder', taken).isDisabled()).toBe(true);
  await page.screenshot({ path: join(PICTURES, 'attempts-conflict-dark.png') });
  await page.keyboard.press('Space');

  // Two that go together: a hunk of the first, two of the second.
  await hunk(2, 2).click();
  await page.getByRole('checkbox', { name: 'Hunk 1 of new.txt of attempt 2', exact: true }).click();
  await taken.getByText('3 hunks picked, of attempts 1 and 2').waitFor();
  for (const width of [900, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await kerf.settled();
    expect.soft(await page.locator('body').evaluate(overlaps), `at ${width}`).toEqual([]);
    await page.screenshot({ path: join(PICTURES, `attempts-${width}-dark.png`) });
  }
  await kerf.button('Preview…', taken).click();
  const preview = page.getByRole('dialog', { name: 'What your folder becomes' });
  await preview.getByText('twenty by two').waitFor();
  expect(repository.read('src/lines.txt')).toBe(lines());
  await page.screenshot({ path: join(PICTURES, 'attempts-preview-dark.png') });
  await kerf.button('Apply to your folder', preview).click();
  await kerf.file('src/lines.txt', lines({ 3: 'three by one', 20: 'twenty by two' }));
  await kerf.file('new.txt', 'new\n');

  // What passed in an attempt is run on the combination, at the user's click.
  await kerf.button(/^Run grep/, taken).click();
  await expect.poll(() => taken.innerText(), { timeout: 15_000 }).toContain('✓ passed');
  await page.screenshot({ path: join(PICTURES, 'attempts-checked-dark.png') });

  await kerf.button('Undo', taken).click();
  await kerf.file('src/lines.txt', lines());
  await expect.poll(() => repository.git('status', '--porcelain')).toBe('');

  // Their worktrees are listed; what is only there keeps one from being removed unasked.
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('worktrees');
  await page.getByRole('option', { name: /Settings: worktrees/ }).click();
  const listed = page.getByRole('list', { name: 'Worktrees', exact: true });
  await expect.poll(() => listed.getByRole('listitem').count()).toBe(3);
  await page.screenshot({ path: join(PICTURES, 'worktrees-dark.png') });
  await listed
    .getByRole('button', { name: /^Remove the worktree/ })
    .first()
    .click();
  await page
    .getByRole('alert')
    .getByText(/holds work that is nowhere else/)
    .waitFor();
});

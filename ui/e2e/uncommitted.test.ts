/** The user's own changes: staged by hunk, committed, put away, and another branch. */

import { expect, test } from './window';

const lines = (...changed: number[]) =>
  Array.from({ length: 40 }, (_, at) => (changed.includes(at) ? `CHANGED ${at}\n` : `line ${at}\n`)).join('');

test('a hunk is staged and committed, and the rest goes along to another branch', async ({ open }) => {
  const kerf = await open({ files: { 'src/lines.txt': lines(), 'other.txt': 'stays\n' } });
  const { page, repository } = kerf;
  repository.write('src/lines.txt', lines(2, 37));
  await page.getByText('Uncommitted', { exact: true }).click();
  const changes = page.getByRole('region', { name: 'Uncommitted changes' });
  await changes.getByRole('button', { name: /modified src\/lines\.txt/ }).click();
  await changes.getByText('CHANGED 37').waitFor();

  // The second hunk alone, by its button; the file on disk stays.
  await changes.getByRole('button', { name: 'Stage hunk 2 of src/lines.txt' }).click();
  await changes.getByRole('heading', { name: 'Staged 1 file', exact: true }).waitFor();
  expect(repository.git('diff', '--cached', '--stat')).toContain('2 +-');
  expect(repository.read('src/lines.txt')).toBe(lines(2, 37));

  await changes.getByLabel('Commit message').fill('Change line 37');
  await changes.getByRole('button', { name: /^Commit 1 file/ }).click();
  await changes.getByText('Nothing is staged.').waitFor();
  expect(repository.git('show', 'HEAD:src/lines.txt') + '\n').toBe(lines(37));
  expect(repository.git('log', '-1', '--format=%an %s')).toBe('Ada Change line 37');

  // The rest comes along to a new branch.
  await page.getByRole('button', { name: 'Branch main' }).click();
  await page.getByRole('combobox', { name: 'Switch branch' }).fill('topic');
  await page.getByText('Make branch topic').waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Branch topic' }).waitFor();
  expect(repository.git('branch', '--show-current')).toBe('topic');
  expect(repository.read('src/lines.txt')).toBe(lines(2, 37));
  expect(repository.git('fsck', '--strict', '--no-dangling')).toBe('');
});

test('a file that was moved is one change of two names, staged with any hunk of it', async ({ open }) => {
  const kerf = await open({ files: { 'src/lines.txt': lines() } });
  const { page, repository } = kerf;
  repository.git('mv', 'src/lines.txt', 'moved.txt');
  repository.git('reset', '--quiet');
  repository.write('moved.txt', lines(2, 37));
  await page.getByText('Uncommitted', { exact: true }).click();
  const changes = page.getByRole('region', { name: 'Uncommitted changes' });
  await changes.getByRole('button', { name: 'renamed src/lines.txt → moved.txt' }).click();
  await changes.getByText('CHANGED 37').waitFor();
  await changes.getByRole('button', { name: 'Stage hunk 2 of moved.txt' }).click();
  await changes.getByRole('heading', { name: 'Staged 1 file', exact: true }).waitFor();
  expect(repository.git('diff', '--cached', '--find-renames', '--name-status')).toMatch(
    /^R\d+\tsrc\/lines\.txt\tmoved\.txt$/,
  );
  expect(repository.git('show', ':moved.txt') + '\n').toBe(lines(37));
  // What is left of it is a change of the new name.
  await changes.getByRole('button', { name: /^modified moved\.txt/ }).waitFor();
});

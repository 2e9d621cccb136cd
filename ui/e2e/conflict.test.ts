/** A merge that stops at a conflict: each place is chosen, put back once, and the merge is ended by git. */

import { expect, test } from './window';

test('a conflict is resolved place by place, put back, and the merge continued', async ({ open }) => {
  const kerf = await open({ files: { 'a.txt': 'top\nwas\nend\n' } });
  const { page, repository } = kerf;
  repository.git('switch', '--quiet', '--create', 'topic');
  repository.write('a.txt', 'top\ntheirs\nend\n');
  repository.git('commit', '--quiet', '--all', '--message', 'Theirs');
  repository.git('switch', '--quiet', 'main');
  repository.write('a.txt', 'top\nours\nend\n');
  repository.git('commit', '--quiet', '--all', '--message', 'Ours');
  // It stops at the conflict, with an exit code that says so.
  expect(() => repository.git('merge', '--quiet', 'topic')).toThrow();
  const marked = repository.read('a.txt');
  expect(marked).toContain('<<<<<<<');

  await page.getByText('Uncommitted', { exact: true }).click();
  const changes = page.getByRole('region', { name: 'Uncommitted changes' });
  await changes.getByText(/a merge under way/).waitFor();
  await changes.getByRole('button', { name: /in conflict a\.txt/ }).click();
  const place = changes.getByRole('group', { name: 'Place 1 of 1' });
  await place.getByRole('radio', { name: 'Both' }).check({ force: true });
  await changes.getByRole('button', { name: 'Resolve and stage' }).click();
  await kerf.file('a.txt', 'top\nours\ntheirs\nend\n');
  await changes.getByRole('button', { name: 'Undo' }).click();
  await kerf.file('a.txt', marked);
  expect(repository.git('ls-files', '--unmerged').split('\n')).toHaveLength(3);

  await changes.getByRole('button', { name: /in conflict a\.txt/ }).click();
  await place.getByRole('radio', { name: 'Theirs' }).check({ force: true });
  await changes.getByRole('button', { name: 'Resolve and stage' }).click();
  await kerf.file('a.txt', 'top\ntheirs\nend\n');
  await changes.getByRole('button', { name: 'Continue…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Continue' });
  await dialog.getByText('git merge --continue').waitFor();
  await dialog.getByRole('button', { name: 'Run' }).click();
  await dialog.getByText('Done.', { exact: true }).waitFor();
  expect(repository.git('log', '-1', '--format=%P').split(' ')).toHaveLength(2);
  expect(repository.git('status', '--porcelain')).toBe('');
  expect(repository.git('fsck', '--strict', '--no-dangling')).toBe('');
});

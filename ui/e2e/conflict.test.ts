/** A merge that stops at a conflict: each place is chosen, put back once, and the merge is ended by git. */

import { join } from 'node:path';

import { expect, PICTURES, test } from './window';

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

test('a conflict stands at the head of the review of a task, and is resolved there', async ({ open }) => {
  const kerf = await open({ files: { 'a.txt': 'top\nwas\nend\n', 'b.txt': 'one\n' } });
  const { repository, review, model } = kerf;
  model
    .replies({ call: 'edit_file', with: { path: 'b.txt', edits: [{ old: 'one', new: 'two' }] } })
    .replies('Changed.');
  await kerf.send('Change b');
  await kerf.allow();
  await kerf.ended();
  await review.getByText('0 of 1 hunk accepted').waitFor();
  // A stash that does not merge is left in conflict and kept.
  repository.write('a.txt', 'top\nmine\nend\n');
  repository.git('stash', 'push', '--quiet', '--', 'a.txt');
  repository.write('a.txt', 'top\nours\nend\n');
  repository.git('commit', '--quiet', '--message', 'Ours', '--', 'a.txt');
  const [stash] = await kerf.rpc('git/stashes', { folder: repository.path });
  const taken = { folder: repository.path, oid: stash?.oid ?? '', drop: true };
  expect(await kerf.rpc('git/unstash', taken)).toMatchObject({ kept: true, conflicts: ['a.txt'] });
  expect(repository.git('stash', 'list').split('\n')).toHaveLength(1);
  await kerf.page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await review.getByRole('heading', { name: 'In conflict 1 file' }).waitFor();
  await review.getByRole('button', { name: /in conflict a\.txt/ }).click();
  const place = review.getByRole('group', { name: 'Place 1 of 1' });
  await kerf.page.screenshot({ path: join(PICTURES, 'conflict-dark.png'), animations: 'disabled' });
  await place.getByRole('radio', { name: 'Theirs' }).check({ force: true });
  await review.getByRole('button', { name: 'Resolve and stage' }).click();
  await kerf.file('a.txt', 'top\nmine\nend\n');
  await review.getByText('Resolved a.txt.').waitFor();
  expect(repository.git('ls-files', '--unmerged')).toBe('');
  // The review of the task is below it as it was.
  await review.getByText('0 of 1 hunk accepted').waitFor();
});

/** What the review knows: which checks ran, who made a line, and what part of the changes is looked at. */

import { expect, test } from './window';

const lines = Array.from({ length: 40 }, (_, at) => `line ${at}\n`).join('');
const change = (at: number) => ({
  call: 'edit_file',
  with: { path: 'a.txt', edits: [{ old: `line ${at}\n`, new: `changed ${at}\n` }] },
});
const run = (command: string) => ({ call: 'run_command', with: { command } });

test('checks, who made a line, and four scopes', async ({ open }) => {
  const kerf = await open({ files: { 'a.txt': lines, 'b.txt': 'b\n' } });
  const { page, model, repository, review, stream } = kerf;
  repository.git('checkout', '-q', '-b', 'topic');
  repository.write('b.txt', 'of the branch\n');
  repository.git('commit', '-qam', 'topic');

  model.replies(change(2), run('test -f b.txt')).replies('Once.');
  await kerf.send('Change line 2');
  await kerf.allow();
  await kerf.allow();
  await kerf.ended();
  const checks = review.getByRole('list', { name: 'Checks' });
  await checks.getByRole('button', { name: /test -f b\.txt passed/ }).waitFor();

  // A later change, and another check.
  model.replies(change(30), run('exit 3')).replies('Twice.');
  await kerf.send('Change line 30');
  await kerf.allow();
  await kerf.allow();
  await kerf.ended();
  await checks.getByRole('button', { name: /exit 3 failed \(3\)/ }).waitFor();
  await checks.getByRole('button', { name: /test -f b\.txt passed, before the last change/ }).waitFor();

  // The check leads to its call, the hunk to the edit that made it.
  await checks.getByRole('button', { name: /^test -f b\.txt/ }).click();
  await stream.locator('.sought', { hasText: 'test -f b.txt' }).waitFor();
  await review.getByText('from edit_file, turn 2').waitFor();
  await review.getByText('from edit_file, turn 1').click();
  await stream.locator('.sought', { hasText: 'a.txt' }).waitFor();
  expect(await stream.locator('.sought').count()).toBe(1);

  // The last turn, the task, the branch.
  const scope = page.getByRole('navigation', { name: 'Which changes' });
  await scope.getByText('This turn', { exact: true }).click();
  await review.getByText('0 of 1 hunk accepted, 0 rejected, 1 to go').waitFor();
  await review.getByText('changed 30').waitFor();
  expect(await review.getByText('changed 2', { exact: true }).count()).toBe(0);
  await kerf.button('Accept rest', review).click();
  await review.getByText('1 of 1 hunk accepted, 0 rejected, none to go').waitFor();
  await scope.getByText('This task', { exact: true }).click();
  await review.getByText('1 of 2 hunks accepted, 0 rejected, 1 to go').waitFor();
  await scope.getByText('Branch', { exact: true }).click();
  await review.getByRole('heading', { name: '2 files', exact: true }).waitFor();
  await review.getByText('of the branch').waitFor();
  expect(await review.getByLabel('Since it began at').inputValue()).toBe('main');
  expect(await kerf.button('Accept rest', review).count()).toBe(0);

  // A commit with git itself accepts what it holds.
  repository.git('commit', '-qam', 'all');
  await scope.getByText('This task', { exact: true }).click();
  await kerf.send('Anything else?');
  await kerf.ended();
  await review.getByText('Nothing to review').waitFor();
});

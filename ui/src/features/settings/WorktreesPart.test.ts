import { expect, test } from 'vitest';
import { RequestError } from '../../backend/backend';
import { fakeBackend } from '../../backend/fake';
import type { ListedWorktree } from '../../protocol/ListedWorktree';
import type { RemoveWorktree } from '../../protocol/RemoveWorktree';
import type { AppSettings } from '../../protocol/AppSettings';
import { askedFor, checkAxe, mountWith, project } from '../../testing';
import WorktreesPart from './WorktreesPart.svelte';

function worktree(id: string, change: Partial<ListedWorktree> = {}): ListedWorktree {
  return {
    id,
    project_id: 'project-1',
    session_id: `session-${id}`,
    folder: '/projects/ledgerd',
    path: `/data/kerf/worktrees/ledgerd/${id}`,
    branch: null,
    state: 'ready',
    head: null,
    base: null,
    notes: [],
    made_at: 1_760_000_000_000,
    removed_at: null,
    title: `Task ${id}`,
    bytes: 12_400_000,
    work: [],
    ...change,
  };
}

test('worktrees are listed with what is only there, removed, and brought back', async () => {
  let listed = [
    worktree('a', { work: ['untracked new.txt'], notes: ['node_modules was not brought'] }),
    worktree('b', { title: '' }),
    worktree('c', { state: 'archived', removed_at: 1_760_000_100_000, bytes: 0 }),
  ];
  const backend = fakeBackend({
    'worktree/list': () => listed,
    'worktree/remove': ({ worktree_id, force }) => {
      const one = listed.find(({ id }) => id === worktree_id) ?? worktree(worktree_id);
      if (one.work.length > 0 && !force)
        throw new RequestError({
          code: 'conflict',
          message: `the worktree ${one.path} holds work that is nowhere else: untracked new.txt`,
          hint: '--force removes it into the archive',
        });
      listed = listed.map((other) => (other === one ? { ...one, state: 'archived', work: [] } : other));
      return one;
    },
    'worktree/restore': ({ worktree_id }) => {
      listed = listed.map((one) => (one.id === worktree_id ? { ...one, state: 'ready' } : one));
      return worktree(worktree_id);
    },
  });
  const { getByRole, getByText, container } = await mountWith(WorktreesPart, { backend });
  const there = getByRole('list', { name: 'Worktrees', exact: true });
  await expect.element(there).toHaveTextContent('12 MB');
  await expect.element(there).toHaveTextContent('Only here: untracked new.txt');
  await expect.element(there).toHaveTextContent('A deleted task');
  await checkAxe(container);

  // Refused: the words say where the work is, and one more question stands before it goes.
  await getByRole('button', { name: 'Remove the worktree of Task a' }).click();
  await expect.element(getByRole('alert')).toHaveTextContent('/data/kerf/worktrees/ledgerd/a holds work');
  await checkAxe(container);
  await getByRole('button', { name: 'Remove all the same…' }).click();
  await getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  const gone = getByRole('list', { name: 'Removed worktrees' });
  await expect.element(gone).toHaveTextContent('Task a');
  expect(askedFor(backend, 'worktree/remove').map((one) => (one as RemoveWorktree).force)).toEqual([
    false,
    true,
  ]);

  await getByRole('button', { name: 'Bring back Task c' }).click();
  await expect.element(there).toHaveTextContent('Task c');
  await expect.element(getByText('Brought back.', { exact: true })).toBeVisible();
});

test('none, and a failure', async () => {
  let broken = true;
  const backend = fakeBackend({
    'worktree/list': () => {
      if (broken) throw new Error('no disk');
      return [];
    },
  });
  const { getByRole, getByText, container } = await mountWith(WorktreesPart, { backend });
  await expect.element(getByRole('alert')).toHaveTextContent('no disk');
  broken = false;
  await getByRole('button', { name: 'Try again' }).click();
  await expect.element(getByText('No worktrees')).toBeVisible();
  await checkAxe(container);
});

test('the set-up command of the project, and how many attempts go on at once', async () => {
  const backend = fakeBackend({ 'worktree/list': () => [], 'settings/change': () => ({}) });
  const { getByRole, container } = await mountWith(WorktreesPart, {
    backend,
    prepare: (kerf) => (kerf.project = project()),
  });
  const last = () => askedFor(backend, 'settings/change').at(-1) as AppSettings;
  const command = getByRole('textbox', { name: 'Set-up command of ledgerd' });
  await command.fill('npm ci');
  await getByRole('radio', { name: 'Go on' }).click();
  await getByRole('textbox', { name: 'Attempts at once' }).fill('9');
  await expect.element(getByRole('button', { name: 'Save' })).toBeDisabled();
  await checkAxe(container);
  await getByRole('textbox', { name: 'Attempts at once' }).fill('3');
  await getByRole('button', { name: 'Save' }).click();
  await expect.poll(() => last()?.attempts_at_once).toBe(3);
  expect(last().set_up).toEqual({ '/projects/ledgerd': { command: 'npm ci', go_on: true } });
  await command.fill('');
  await getByRole('button', { name: 'Save' }).click();
  await expect.poll(() => last().set_up).toEqual({});
});

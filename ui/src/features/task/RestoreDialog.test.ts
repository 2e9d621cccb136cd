import { expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import type { Restored } from '../../protocol/Restored';
import type { RestoreFile } from '../../protocol/RestoreFile';
import { OpenTask } from '../../state/kerf.svelte';
import { RestoreState } from '../../state/restore.svelte';
import { askedFor, checkAxe, mountWith } from '../../testing';
import RestoreDialog from './RestoreDialog.svelte';
import Undone from './Undone.svelte';

function file(path: string, change: Partial<RestoreFile>): RestoreFile {
  const lines = [
    { kind: 'removed' as const, old: 1, new: null, text: 'two\u202e' },
    { kind: 'added' as const, old: null, new: 1, text: 'one' },
  ];
  const hunk = {
    hunk: 1,
    id: 1,
    state: 'pending' as const,
    header: '',
    added: 1,
    removed: 1,
    authors: [],
    lines,
  };
  return {
    act: 'write',
    choice: 'goes',
    change: { path, status: 'modified', hunks: [hunk] },
    ...change,
  };
}

const checkpoint = {
  id: 7,
  turn: 't2',
  call: null,
  label: 'Before “change it”',
  created_at: 1,
  files: 3,
  note: 'not in it: 1 over 8 MB',
};
const restored: Restored = {
  checkpoint_id: 7,
  undo: 12,
  written: ['a.txt'],
  stayed: [],
  hidden_messages: 1,
};

async function open() {
  const backend = fakeBackend({
    'checkpoint/list': () => ({
      checkpoints: [{ ...checkpoint, id: 5, call: 'c1' }, checkpoint],
    }),
    'checkpoint/preview': () => ({
      checkpoint,
      files: [
        file('a.txt', {}),
        file('mine.txt', { choice: 'if_named', why: 'you changed it too' }),
        file('new.txt', { act: 'delete', choice: 'stays', why: 'Kerf did not make it' }),
      ],
      messages: ['change it'],
    }),
    'checkpoint/restore': () => restored,
  });
  const restore = new RestoreState(backend, 's1');
  await restore.ask('t2');
  const screen = await mountWith(RestoreDialog, { backend, props: { restore } });
  return { ...screen, backend, restore };
}

test('shows what goes back, what is the user’s and stays, and what is hidden', async () => {
  const { getByRole, getByText, backend } = await open();
  expect(askedFor(backend, 'checkpoint/preview')).toEqual([{ session_id: 's1', checkpoint_id: 7 }]);
  await expect.element(getByRole('region', { name: 'Files that go back' })).toHaveTextContent('a.txt');
  await expect
    .element(getByRole('region', { name: 'Files that stay' }))
    .toHaveTextContent('you changed it too');
  await expect
    .element(getByRole('region', { name: 'Messages that are hidden' }))
    .toHaveTextContent('change it');
  await getByText('a.txt').click();
  const change = getByRole('region', { name: 'Files that go back' }).getByText('two‹U+202E›');
  await expect.element(change).toBeVisible();
  await checkAxe();
  // The choice counts for what is shown.
  await getByRole('radio', { name: /^Conversation/ }).click();
  await expect.element(getByRole('region', { name: 'Files that go back' })).not.toBeInTheDocument();
  await getByRole('radio', { name: /^Files The/ }).click();
  await expect.element(getByRole('region', { name: 'Messages that are hidden' })).not.toBeInTheDocument();
});

test('restores what nobody but the agent changed, and what is named', async () => {
  const { getByRole, backend, restore } = await open();
  await getByRole('button', { name: 'Restore' }).click();
  await expect.poll(() => restore.done?.undo).toBe(12);
  expect(askedFor(backend, 'checkpoint/restore')).toEqual([
    { session_id: 's1', checkpoint_id: 7, what: 'both', paths: null },
  ]);
  expect(restore.open).toBe(false);

  const second = await open();
  await second.getByRole('checkbox', { name: 'Restore it too' }).click();
  await second.getByRole('button', { name: 'Restore' }).click();
  await expect
    .poll(() => askedFor(second.backend, 'checkpoint/restore'))
    .toEqual([{ session_id: 's1', checkpoint_id: 7, what: 'both', paths: ['a.txt', 'mine.txt'] }]);
});

test('a restore is undone by restoring what was there before', async () => {
  const backend = fakeBackend({
    'checkpoint/restore': () => ({ ...restored, checkpoint_id: 12, undo: 13 }),
  });
  const { restore } = new OpenTask(backend, 's1');
  restore.done = { ...restored, what: 'both' };
  const { getByRole, getByText, container } = await mountWith(Undone, { backend, props: { restore } });
  await expect.element(getByText('Restored 1 file, 1 message hidden')).toBeVisible();
  await checkAxe(container);
  await getByRole('button', { name: 'Undo restore' }).click();
  await expect.poll(() => restore.done).toBe(null);
  expect(askedFor(backend, 'checkpoint/restore')).toEqual([
    { session_id: 's1', checkpoint_id: 12, what: 'both', paths: null },
  ]);
});

test('while a restore is undone nothing is asked, and its end closes no question', async () => {
  let end = () => {};
  const backend = fakeBackend({
    'checkpoint/list': () => ({ checkpoints: [checkpoint] }),
    'checkpoint/preview': () => ({ checkpoint, files: [], messages: ['change it'] }),
    'checkpoint/restore': () => new Promise<Restored>((done) => (end = () => done(restored))),
  });
  const restore = new RestoreState(backend, 's');
  restore.done = { ...restored, what: 'both' };
  const undone = restore.undo();
  await restore.ask('t2');
  expect(restore.open).toBe(false);
  end();
  await undone;
  expect(restore.done).toBeNull();
  await restore.ask('t2');
  expect(restore.open).toBe(true);
  expect(restore.preview).not.toBeNull();
});

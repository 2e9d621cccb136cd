import { page } from 'vitest/browser';
import { beforeEach, expect, test } from 'vitest';
import { fakeBackend, type FakeBackend } from '../../backend/fake';
import type { FileConflict } from '../../protocol/FileConflict';
import type { WorkingChanges } from '../../protocol/WorkingChanges';
import { askedFor, checkAxe, mountWith, project } from '../../testing';
import ChangesView from './ChangesView.svelte';
import DeskConflicts from './DeskConflicts.svelte';

const version = (oid: string) => ({ oid, mode: 33188 });
const conflict: FileConflict = {
  path: 'a.txt',
  base: version('1'),
  ours: version('2'),
  theirs: version('3'),
  file: version('4'),
  parts: [
    { type: 'merged', text: 'top\n' },
    { type: 'open', base: 'was\n', ours: 'ours\n', theirs: 'theirs\n' },
    { type: 'merged', text: 'middle\n' },
    { type: 'open', base: '', ours: 'left', theirs: 'right\n' },
  ],
  token: 'the token',
};

function engine(change: Partial<FileConflict> = {}): FakeBackend {
  const status = (how: 'conflicted' | null): WorkingChanges => ({
    repository: true,
    branch: 'main',
    commit: '1234567890',
    last_message: 'Begin',
    pushed: false,
    under_way: 'a merge',
    programs: [],
    staged: how ? [] : [{ path: 'a.txt', how: 'modified' }],
    unstaged: how ? [{ path: 'a.txt', how }] : [],
    more: 0,
  });
  let now = status('conflicted');
  return fakeBackend({
    'git/status': () => now,
    'git/running': () => null,
    'git/unstash': () => ({ oid: 'abc', files: 2, kept: true, conflicts: ['a.txt'] }),
    'git/conflict': () => ({ ...conflict, ...change }),
    'git/resolve': ({ how }) => (now = status(how.type === 'undo' ? 'conflicted' : null)),
    'git/preview': () => ({
      argv: ['git', 'merge', '--continue'],
      folder: '/',
      words: '',
      remote: null,
      programs: [],
    }),
  });
}

async function opened(backend: FakeBackend) {
  const screen = await mountWith(ChangesView, {
    backend,
    prepare: (kerf) => {
      kerf.project = project();
    },
  });
  await screen.getByRole('button', { name: /in conflict a\.txt/ }).click();
  await expect.element(screen.getByRole('region', { name: 'Conflict in a.txt' })).toBeVisible();
  return screen;
}

beforeEach(async () => {
  await page.viewport(800, 900);
});

test('a stash that came into conflict is said to be kept until all is resolved', async () => {
  const backend = engine();
  let taken: Promise<boolean> | null = null;
  const screen = await mountWith(ChangesView, {
    backend,
    prepare: async (kerf) => {
      kerf.project = project();
      await kerf.changes.show(kerf.folder);
      taken = kerf.changes.unstash('abc');
    },
  });
  expect(await taken).toBe(true);
  const told = screen.getByText(/still in the list, because 1 file came into conflict/);
  await expect.element(told).toBeVisible();
  await checkAxe();
  await screen.getByRole('button', { name: /in conflict a\.txt/ }).click();
  for (const place of ['Place 1 of 2', 'Place 2 of 2'])
    await screen.getByRole('group', { name: place }).getByText('Both').click();
  await screen.getByRole('button', { name: 'Resolve and stage' }).click();
  await expect.element(told).not.toBeInTheDocument();
});

test('each place gets what was chosen, the whole is staged, and can be undone', async () => {
  const backend = engine();
  const screen = await opened(backend);
  await expect.element(screen.getByRole('button', { name: 'Continue…' })).toBeDisabled();
  const done = screen.getByRole('button', { name: '2 places left' });
  await expect.element(done).toBeDisabled();
  await checkAxe(screen.container);
  await screen
    .getByRole('group', { name: 'Place 1 of 2' })
    .getByText('Theirs', { exact: true })
    .first()
    .click();
  await screen.getByRole('group', { name: 'Place 2 of 2' }).getByText('Both').click();
  await screen.getByRole('button', { name: 'Resolve and stage' }).click();
  await expect
    .poll(() => askedFor(backend, 'git/resolve'))
    .toMatchObject([
      {
        path: 'a.txt',
        how: { type: 'text', token: 'the token', text: 'top\ntheirs\nmiddle\nleft\nright\n' },
      },
    ]);
  await expect.element(screen.getByRole('button', { name: 'Continue…' })).toBeEnabled();
  await checkAxe(screen.container);
  await screen.getByRole('button', { name: 'Undo' }).click();
  await expect
    .poll(() => askedFor(backend, 'git/resolve').at(-1))
    .toMatchObject({ how: { type: 'undo', conflict: { file: { oid: '4' } } } });
  await expect.element(screen.getByRole('button', { name: /in conflict a\.txt/ })).toBeVisible();
});

test('a place is edited beginning with what was chosen', async () => {
  const backend = engine({ parts: [{ type: 'open', base: 'was\n', ours: 'ours\n', theirs: 'theirs\n' }] });
  const screen = await opened(backend);
  const place = screen.getByRole('group', { name: 'Place 1 of 1' });
  await place.getByText('Theirs', { exact: true }).first().click();
  await place.getByText('Edit').click();
  const text = screen.getByLabelText('Text at place 1');
  await expect.element(text).toHaveValue('theirs\n');
  await text.fill('mine\n');
  await checkAxe(screen.container);
  await screen.getByRole('button', { name: 'Resolve and stage' }).click();
  await expect.poll(() => askedFor(backend, 'git/resolve')).toMatchObject([{ how: { text: 'mine\n' } }]);
});

test('where a side deleted the file only a whole version is taken', async () => {
  const backend = engine({ ours: null, parts: null });
  const screen = await opened(backend);
  await screen.getByRole('button', { name: 'Delete, as ours: a.txt' }).click();
  await expect
    .poll(() => askedFor(backend, 'git/resolve'))
    .toMatchObject([{ how: { type: 'ours', token: 'the token' } }]);
});

test('files in conflict stand at the head of the review too, until the merge is ended', async () => {
  const backend = engine();
  const screen = await mountWith(DeskConflicts, {
    backend,
    prepare: (kerf) => {
      kerf.project = project();
    },
  });
  await expect.element(screen.getByRole('heading', { name: 'In conflict 1 file' })).toBeVisible();
  await screen.getByRole('button', { name: /in conflict a\.txt/ }).click();
  await screen.getByRole('button', { name: 'Take theirs: a.txt' }).click();
  await expect
    .poll(() => askedFor(backend, 'git/resolve'))
    .toMatchObject([{ path: 'a.txt', how: { type: 'theirs', token: 'the token' } }]);
  await expect.element(screen.getByRole('heading', { name: /In conflict/ })).not.toBeInTheDocument();
  // What was resolved here is put back here, and the merge goes on from here.
  await expect.element(screen.getByRole('button', { name: 'Continue…' })).toBeEnabled();
  await checkAxe(screen.container);
  await screen.getByRole('button', { name: 'Undo' }).click();
  await expect.element(screen.getByRole('heading', { name: 'In conflict 1 file' })).toBeVisible();
});

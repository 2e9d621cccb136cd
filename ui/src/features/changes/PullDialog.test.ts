import { page } from 'vitest/browser';
import { beforeEach, expect, test } from 'vitest';
import { fakeBackend, type FakeBackend } from '../../backend/fake';
import type { PullTarget } from '../../protocol/PullTarget';
import { askedFor, checkAxe, mountWith, project } from '../../testing';
import PullDialog from './PullDialog.svelte';

const target: PullTarget = {
  remote: { name: 'origin', url: 'git@git.example.org:ada/tool.git' },
  host: 'git.example.org',
  kind: 'github',
  project: 'ada/tool',
  branch: 'topic',
  base: 'main',
  pushed: true,
  program: null,
  api: 'git.example.org',
  token: false,
};

function engine(change: Partial<PullTarget> = {}): FakeBackend {
  return fakeBackend({
    'git/pull_target': () => ({ ...target, ...change }),
    'git/draft_pull': () => ({ title: 'Say two', body: 'It is more.', left_out: 'not all that was asked' }),
    'git/open_pull': () => ({
      url: 'https://git.example.org/ada/tool/pull/7',
      number: 7,
      token: { place: 'keyring' },
    }),
    'git/running': () => null,
    'git/preview': () => ({
      argv: ['gh', 'pr', 'create'],
      folder: '/',
      words: '',
      remote: null,
      programs: [],
    }),
  });
}

async function shown(backend: FakeBackend) {
  const screen = await mountWith(PullDialog, {
    backend,
    prepare: async (kerf) => {
      kerf.project = project();
      await kerf.pull.show(kerf.folder);
    },
  });
  await expect.element(screen.getByRole('dialog', { name: 'Pull request' })).toBeVisible();
  return screen;
}

beforeEach(async () => {
  await page.viewport(900, 900);
});

test('is drafted by the model, edited, and opened by a click that names the host', async () => {
  const backend = engine();
  const screen = await shown(backend);
  await expect.element(screen.getByText('ada/tool')).toBeVisible();
  const open = screen.getByRole('button', { name: 'Open draft at git.example.org' });
  await expect.element(open).toBeDisabled();
  await screen.getByRole('button', { name: 'Draft', exact: true }).click();
  await expect.element(screen.getByLabelText('Title')).toHaveValue('Say two');
  await expect.element(screen.getByText(/not all that was asked/)).toBeVisible();
  await screen.getByLabelText('Text').fill('It is more, I say.');
  await screen.getByLabelText('Token for git.example.org').fill('the token');
  await checkAxe();
  expect(askedFor(backend, 'git/open_pull')).toEqual([]);
  await open.click();
  await expect.element(screen.getByText(/Opened as a draft, number 7/)).toBeVisible();
  expect(askedFor(backend, 'git/open_pull')).toMatchObject([
    { target, title: 'Say two', body: 'It is more, I say.', token: 'the token' },
  ]);
  await checkAxe();
  await screen.getByRole('button', { name: /^Open https/ }).click();
  expect(backend.done).toContainEqual(['openLink', 'https://git.example.org/ada/tool/pull/7']);
});

test('is opened with the host’s own program as a command that is shown', async () => {
  const backend = engine({ program: 'gh' });
  const screen = await shown(backend);
  await screen.getByLabelText('Title').fill('Say two');
  await screen.getByRole('button', { name: 'Open with gh…' }).click();
  await expect
    .poll(() => askedFor(backend, 'git/preview'))
    .toMatchObject([{ act: { type: 'open_pull', remote: 'origin', base: 'main', title: 'Say two' } }]);
  expect(askedFor(backend, 'git/open_pull')).toEqual([]);
});

test('waits for the push of what the remote has not', async () => {
  const backend = engine({ pushed: false, token: true });
  const screen = await shown(backend);
  await screen.getByLabelText('Title').fill('Say two');
  await expect.element(screen.getByRole('button', { name: 'Open draft at git.example.org' })).toBeDisabled();
  await checkAxe();
  await screen.getByRole('button', { name: 'Push first…' }).click();
  await expect.poll(() => askedFor(backend, 'git/preview')).toMatchObject([{ act: { type: 'push' } }]);
});

import { beforeEach, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import { RequestError } from '../backend/backend';
import { indexStatus } from '../backend/fakeFiles';
import { askedFor, checkAxe } from '../testing';
import App from './App.svelte';
import { engine } from './engine';
import { agoWords, leftWords } from './status';

beforeEach(async () => {
  localStorage.clear();
  await page.viewport(1440, 900);
});

const READY = indexStatus({
  files: 3214,
  left_out: [
    { reason: 'larger than 4 MB', files: 12 },
    { reason: 'minified', files: 3 },
  ],
});
const BUILDING = indexStatus({
  state: {
    type: 'building',
    files_done: 12_300,
    files_total: 78_600,
    bytes_done: 1e8,
    bytes_total: 8e8,
    left_ms: 41_000,
  },
  note: 'the disk is nearly full',
});

async function open(change: Parameters<typeof engine>[0] = {}) {
  const backend = engine({ 'index/status': () => READY, ...change });
  const screen = render(App, { backend });
  screen.container.style.height = '100%';
  return { ...screen, backend, foot: screen.getByRole('contentinfo') };
}

test('the index is asked for once, and the feed tells the rest', async () => {
  const { foot, backend, getByRole } = await open();
  await expect.element(foot).toHaveTextContent('3,214 files indexed · just now');
  backend.index(BUILDING);
  await expect.element(foot).toHaveTextContent('Indexing 12,300 of 78,600 files · about 40 s left');
  // Another folder's index is not shown here.
  backend.index(indexStatus({ folder: '/projects/other', files: 1 }));
  await expect.element(foot).toHaveTextContent('Indexing 12,300');
  backend.index(indexStatus({ state: { type: 'off' } }));
  await expect.element(foot).toHaveTextContent('not indexed: searches read the files');
  await getByRole('button', { name: /^Asks:/ }).click();
  await expect.poll(() => askedFor(backend, 'session/attach').length).toBeGreaterThan(0);
  expect(askedFor(backend, 'index/status')).toEqual([{ folder: '/projects/ledgerd' }]);
  backend.gap();
  await expect.poll(() => askedFor(backend, 'index/status')).toHaveLength(2);
  await expect.element(foot).toHaveTextContent('3,214 files indexed');
});

test('it opens to what is left out and why, and is rebuilt', async () => {
  const { backend, getByRole } = await open({
    'index/left_out': () => [{ path: 'data/all\u202e.json', reason: 'larger than 4 MB' }],
  });
  await getByRole('button', { name: /indexed/ }).click();
  const panel = getByRole('dialog', { name: 'Index of ledgerd' });
  await expect.element(panel).toHaveFocus();
  await expect
    .element(panel)
    .toHaveTextContent(/up to date.*3,214 · 41 MB of text.*9\.4 MB.*12 · larger than 4 MB.*3 · minified/);
  await checkAxe();
  await panel.getByRole('button', { name: 'Rebuild' }).click();
  expect(askedFor(backend, 'index/rebuild')).toEqual([{ folder: '/projects/ledgerd' }]);
  await panel.getByRole('button', { name: 'Show 15 files…' }).click();
  const list = getByRole('dialog', { name: 'Files that are not in the index' });
  await expect.element(list).toHaveTextContent('data/all‹U+202E›.json');
  await checkAxe();
  await userEvent.keyboard('{Escape}');
  await expect.element(list).not.toBeInTheDocument();
});

test('building is stopped, a note and a failure are shown, and Escape gives the focus back', async () => {
  const { backend, getByRole } = await open({
    'index/stop': () => {
      throw new RequestError({ code: 'internal', message: 'it does not stop', hint: 'Try again' });
    },
  });
  await expect.element(getByRole('button', { name: /indexed/ })).toBeVisible();
  backend.index(BUILDING);
  const line = getByRole('button', { name: /^Indexing/ });
  await line.click();
  const panel = getByRole('dialog', { name: 'Index of ledgerd' });
  await expect.element(panel).toHaveTextContent('the disk is nearly full');
  await expect.element(panel).toHaveTextContent('100 MB of 800 MB, about 40 s left');
  await checkAxe();
  await panel.getByRole('button', { name: 'Stop' }).click();
  await expect.element(panel.getByRole('alert')).toHaveTextContent('it does not stop');
  await userEvent.keyboard('{Escape}');
  await expect.element(panel).not.toBeInTheDocument();
  await expect.element(line).toHaveFocus();
});

test('an engine that knows no index says so in the panel, not over the window', async () => {
  const { getByRole } = await open({
    'index/status': () => {
      throw new RequestError({ code: 'internal', message: 'no index here', hint: '' });
    },
  });
  await getByRole('button', { name: 'the index does not answer' }).click();
  await expect.element(getByRole('dialog').getByRole('alert')).toHaveTextContent('no index here');
});

test.each([
  [0, 'just now'],
  [59_000, 'just now'],
  [61_000, '1 min ago'],
  [3_700_000, '1 h ago'],
])('%i ms ago is %s', (ms, words) => expect(agoWords(1e12 - ms, 1e12)).toBe(words));

test.each([
  [900, 'a few seconds left'],
  [41_000, 'about 40 s left'],
  [300_000, 'about 5 min left'],
])('%i ms are %s', (ms, words) => expect(leftWords(ms)).toBe(words));

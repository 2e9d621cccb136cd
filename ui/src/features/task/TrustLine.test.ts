import { page } from 'vitest/browser';
import { beforeEach, expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import type { TrustShown } from '../../protocol/TrustShown';
import { askedFor, checkAxe, mountWith, project } from '../../testing';
import TrustLine from './TrustLine.svelte';

beforeEach(async () => {
  await page.viewport(700, 800);
});

const shown = (hash: string, state: 'waiting' | 'changed' | 'trusted'): TrustShown => ({
  folder: project().path,
  waits: state !== 'trusted',
  items: [
    {
      kind: 'rules',
      name: '.claude/settings.json',
      hash,
      text: '{"permissions": {"allow": ["Bash(make:*)"]}}\u202e',
      brings: ['`make` with any arguments'],
      state,
    },
  ],
});

/** The line over a project that brings `now`. */
async function line(now: TrustShown, refuse = false) {
  const state = { now };
  const backend = fakeBackend({
    'rules/list': () => ({ rules: [], problems: [] }),
    'trust/show': () => state.now,
    'trust/set': () => {
      if (refuse) throw new Error('it is not as it was shown');
      state.now = {
        ...state.now,
        waits: false,
        items: state.now.items.map((item) => ({ ...item, state: 'trusted' })),
      };
      return {};
    },
  });
  const screen = await mountWith(TrustLine, {
    backend,
    prepare: (kerf) => {
      kerf.project = project();
    },
  });
  return { ...screen, state };
}

const WORDS = 'This project brings rules of its own';

test('what the project brings is shown whole, and trusted as it was shown', async () => {
  const screen = await line(shown('h1', 'waiting'));
  await expect.element(screen.getByText(WORDS)).toBeVisible();
  await checkAxe(screen.container);
  await screen.getByRole('button', { name: 'Look at them…' }).click();
  const dialog = screen.getByRole('dialog', { name: WORDS });
  await expect.element(dialog.getByText('`make` with any arguments')).toBeVisible();
  await expect.element(dialog.getByText(/"Bash\(make:\*\)"\]\}\}‹U\+202E›/)).toBeVisible();
  expect(document.activeElement?.textContent).not.toBe('Trust');
  await checkAxe(screen.container);
  await dialog.getByRole('button', { name: 'Trust', exact: true }).click();
  await expect.element(screen.getByText(WORDS)).not.toBeInTheDocument();
  expect(askedFor(screen.backend, 'trust/set')).toEqual([
    { folder: project().path, items: [{ kind: 'rules', name: '.claude/settings.json', hash: 'h1' }] },
  ]);
});

test('what was left stays away until it changes', async () => {
  const screen = await line(shown('h1', 'waiting'));
  await screen.getByRole('button', { name: 'Look at them…' }).click();
  await screen.getByRole('button', { name: 'Leave' }).click();
  await expect.element(screen.getByText(WORDS)).not.toBeInTheDocument();
  expect(askedFor(screen.backend, 'trust/set')).toEqual([]);
  screen.state.now = shown('h2', 'changed');
  await screen.kerf.rules.load();
  await expect.element(screen.getByText(WORDS)).toBeVisible();
});

test('what changed meanwhile is not trusted, and that is told', async () => {
  const screen = await line(shown('h1', 'waiting'), true);
  await screen.getByRole('button', { name: 'Look at them…' }).click();
  await screen.getByRole('button', { name: 'Trust', exact: true }).click();
  await expect.poll(() => screen.kerf.failure?.message).toContain('not as it was shown');
  await expect.element(screen.getByText(WORDS)).toBeVisible();
});

test('where nothing waits there is no line', async () => {
  const screen = await line(shown('h1', 'trusted'));
  await expect.poll(() => screen.kerf.rules.trust).not.toBeNull();
  await expect.element(screen.getByText(WORDS)).not.toBeInTheDocument();
});

import { beforeEach, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import { attempt, comparison } from '../features/attempts/sample';
import { askedFor, checkAxe, session } from '../testing';
import App from './App.svelte';
import { engine, sessions } from './engine';

beforeEach(async () => {
  localStorage.clear();
  await page.viewport(1440, 900);
});

async function open() {
  const now = Date.now();
  const one = (n: number, change = {}) =>
    session({
      ...attempt(n).session,
      project_id: 'project-1',
      updated_at: now,
      created_at: now - 60_000 + n,
      ...change,
    });
  let listed = [
    one(3, { state: 'running' }),
    one(1),
    one(2, { created_at: now - 59_998, updated_at: now - 59_998 }),
    ...sessions(),
  ];
  const backend = engine({
    'session/list': () => listed,
    'session/attach': ({ session_id }) => ({
      transcript: { session: listed.find(({ id }) => id === session_id) ?? session(), turns: [] },
      seq: 0,
      context: null as never,
      running: false,
    }),
    'session/delete': ({ session_id }) => {
      listed = listed.filter(({ id }) => id !== session_id);
      return {};
    },
    'attempts/compare': () => comparison(),
  });
  const screen = render(App, { backend });
  screen.container.style.height = '100%';
  await expect.element(screen.getByRole('contentinfo')).toBeVisible();
  return { ...screen, backend };
}

test('attempts are one task in the sidebar, and the view goes from one to another', async () => {
  const { getByRole, container, backend } = await open();
  const rows = getByRole('list', { name: 'Tasks' }).getByRole('button', { name: /Round refunds to even/ });
  const named = rows.filter({ hasText: 'attempts' });
  await expect.element(named).toHaveTextContent('3 attempts: done, waits, works');
  expect(named.elements()).toHaveLength(1);
  await named.click();
  const bar = getByRole('navigation', { name: 'Attempts' });
  await expect
    .element(bar.getByRole('button', { name: /^Attempt 3, works/ }))
    .toHaveAttribute('aria-pressed', 'true');
  await bar.getByRole('button', { name: /^Attempt 1, done/ }).click();
  await expect
    .element(bar.getByRole('button', { name: /^Attempt 1, done/ }))
    .toHaveAttribute('aria-pressed', 'true');
  await expect.element(named).toHaveAttribute('aria-current', 'true');
  await userEvent.keyboard('{Alt>}{ArrowRight}{/Alt}');
  await expect
    .element(bar.getByRole('button', { name: /^Attempt 2, waits/ }))
    .toHaveAttribute('aria-pressed', 'true');
  await checkAxe(container);

  await userEvent.keyboard('{Alt>}c{/Alt}');
  await expect.element(getByRole('heading', { name: 'Round refunds to even', level: 1 })).toBeVisible();
  await expect.element(bar.getByRole('button', { name: 'Compare' })).toHaveAttribute('aria-pressed', 'true');
  await checkAxe(container);

  // While it is open, it follows the attempts.
  const before = askedFor(backend, 'attempts/compare').length;
  backend.send({
    session_id: 'attempt-3',
    seq: 1,
    type: 'turn.completed',
    turn_id: 't',
    usage: {} as never,
    cancelled: false,
  });
  await expect
    .poll(() => askedFor(backend, 'attempts/compare').length, { timeout: 5000 })
    .toBeGreaterThan(before);
  await getByRole('button', { name: 'Open attempt 2' }).click();
  await expect.element(getByRole('textbox', { name: 'Message' })).toBeVisible();
});

test('a task goes with all its attempts, after a question', async () => {
  const { getByRole, backend } = await open();
  await getByRole('button', { name: 'More for Round refunds to even' }).click();
  await getByRole('menuitem', { name: 'Delete…' }).click();
  const dialog = getByRole('dialog');
  await expect.element(dialog).toHaveTextContent('The conversations of all 3 attempts go for good');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect.poll(() => askedFor(backend, 'session/delete')).toHaveLength(3);
});

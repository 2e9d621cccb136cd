import { beforeEach, describe, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import type { FakeBackend } from '../backend/fake';
import { overlaps } from '../overlaps';
import { askedFor, checkAxe, project } from '../testing';
import App from './App.svelte';
import { engine, ledgerTotal } from './engine';

beforeEach(async () => {
  localStorage.clear();
  document.documentElement.style.removeProperty('--scale');
  await page.viewport(1440, 900);
});

async function open(backend: FakeBackend = engine()) {
  const screen = render(App, { backend });
  screen.container.style.height = '100%';
  await expect.element(screen.getByRole('contentinfo')).toBeVisible();
  return { ...screen, backend };
}

describe('the window', () => {
  test('tells where it is, what holds, and what was sent', async () => {
    const { getByRole, container } = await open();
    await expect.element(getByRole('banner')).toHaveTextContent(/ledgerd.*main.*↑2.*↓1/);
    const foot = getByRole('contentinfo');
    await expect.element(foot).toHaveTextContent('sandbox: workspace, network off');
    await expect.element(foot).toHaveTextContent('asks before each edit and command');
    await expect.element(foot).toHaveTextContent('sent today: 312 kB to 127.0.0.1 only');
    await checkAxe(container);
  });

  test('asks for the ledger again when a turn ends, and not before', async () => {
    let today = ledgerTotal();
    const { getByRole, backend } = await open(engine({ 'ledger/totals': () => [today] }));
    await expect.element(getByRole('contentinfo')).toHaveTextContent('312 kB');
    today = ledgerTotal({ bytes: 624_000, hosts: ['127.0.0.1:11434', 'api.example.org:443'] });
    expect(askedFor(backend, 'ledger/totals')).toHaveLength(1);
    backend.send({
      session_id: 'run',
      seq: 1,
      type: 'turn.completed',
      turn_id: 't',
      usage: {} as never,
      cancelled: false,
    });
    await expect.element(getByRole('contentinfo')).toHaveTextContent('624 kB to 127.0.0.1, api.example.org');
  });

  test('shows a failure until it is dismissed', async () => {
    const backend = engine();
    backend.shell.newWindow = () => Promise.reject(new Error('no display'));
    const { getByRole } = await open(backend);
    await userEvent.keyboard('{Control>}{Shift>}N{/Shift}{/Control}');
    await expect.element(getByRole('alert')).toHaveTextContent('no display');
    await getByRole('button', { name: 'Dismiss' }).click();
    await expect.element(getByRole('alert')).not.toBeInTheDocument();
  });

  test('does what the native menu asks', async () => {
    const { getByRole, backend } = await open();
    backend.ask({ type: 'action', action: 'app.settings' });
    await expect.element(getByRole('heading', { name: 'Settings' })).toBeVisible();
    await userEvent.keyboard('{Escape}');
    await expect.element(getByRole('heading', { name: 'Settings' })).not.toBeInTheDocument();
  });

  test('hides its sides, and remembers it', async () => {
    const { getByRole } = await open();
    const sidebar = getByRole('navigation', { name: 'Tasks and projects' });
    const review = getByRole('region', { name: 'Review', exact: true });
    await expect.element(sidebar).toBeVisible();
    await expect.element(review).toBeVisible();
    await userEvent.keyboard('{Control>}b{/Control}');
    await expect.element(sidebar).not.toBeInTheDocument();
    await userEvent.keyboard('{Control>}{Shift>}R{/Shift}{/Control}');
    await expect.element(review).not.toBeInTheDocument();
    expect(JSON.parse(localStorage.getItem('kerf.frame') ?? '')).toEqual({ sidebar: false, review: false });
  });

  test('has the review as a tab when it is narrow', async () => {
    await page.viewport(900, 800);
    const { getByRole } = await open();
    const tabs = getByRole('group', { name: 'Conversation or review' });
    await tabs.getByRole('button', { name: 'Review' }).click();
    await expect
      .element(tabs.getByRole('button', { name: 'Review' }))
      .toHaveAttribute('aria-pressed', 'true');
    await expect.element(getByRole('region', { name: 'Review', exact: true })).toBeVisible();
  });

  test.each([
    [900, 100],
    [900, 200],
    [1440, 100],
    [1440, 200],
    [3000, 100],
  ])('at %i pixels and text of %i percent no text lies on another', async (width, text_size) => {
    await page.viewport(width, 900);
    const backend = engine();
    const show = await backend.request('settings/show', {});
    const { getByRole, container } = await open(
      engine({
        'settings/show': () => ({ ...show, appearance: { ...show.appearance, text_size } }),
        'project/list': () => [project({ name: 'a-project-with-a-name-that-does-not-end-soon' })],
        'project/status': () => ({ branch: 'feature/with-a-branch-of-its-own-length', ahead: 12, behind: 3 }),
      }),
    );
    await expect.element(getByRole('button', { name: /^(Running|Asks|Done):/ }).first()).toBeVisible();
    await expect.element(getByRole('contentinfo')).toHaveTextContent('sent today');
    for (const part of ['header', 'footer', 'nav']) {
      const found = container.querySelector(part);
      expect(found && overlaps(found), part).toEqual([]);
    }
  });
});

describe('search', () => {
  test.each([
    [900, 100],
    [900, 200],
    [1440, 200],
    [2560, 100],
  ])(
    'comes by its keys, and at %i pixels and %i percent no text lies on another',
    async (width, text_size) => {
      await page.viewport(width, 900);
      const show = await engine().request('settings/show', {});
      const { getByRole, container } = await open(
        engine({ 'settings/show': () => ({ ...show, appearance: { ...show.appearance, text_size } }) }),
      );
      await expect.element(getByRole('contentinfo')).toHaveTextContent('files indexed');
      await userEvent.keyboard('{Control>}{Shift>}F{/Shift}{/Control}');
      const field = getByRole('textbox', { name: 'Search in the project' });
      await expect.element(field).toHaveFocus();
      await getByRole('button', { name: 'Filters' }).click();
      for (const query of ['', 'half', 'zzz']) {
        await field.fill(query);
        if (query === 'half') await expect.element(getByRole('tree', { name: 'Results' })).toBeVisible();
        if (query === 'zzz') await expect.element(getByRole('main')).toHaveTextContent('Nothing found');
        for (const part of ['main', 'footer']) {
          const found = container.querySelector(part);
          expect(found && overlaps(found), `${part} for ${query}`).toEqual([]);
        }
      }
      await userEvent.keyboard('{Escape}');
      await expect.element(field).not.toBeInTheDocument();
    },
  );
});

describe('the sidebar', () => {
  test('groups tasks by what they need, and tells their state in words', async () => {
    const { getByRole } = await open();
    const list = getByRole('list', { name: 'Tasks' });
    await expect.element(list).toHaveTextContent(/Running.*Needs you.*Done/);
    await expect
      .element(list.getByRole('button', { name: 'Asks: Refunds round the wrong way asks' }))
      .toBeVisible();
    await expect
      .element(list.getByRole('button', { name: 'Stopped: Upgrade sqlx to 0.9 stopped' }))
      .toBeVisible();
  });

  test('opens a task by click, and goes through them by arrows', async () => {
    const { getByRole, backend } = await open();
    await getByRole('button', { name: /^Asks:/ }).click();
    await expect.poll(() => askedFor(backend, 'session/attach')).toContainEqual({ session_id: 'ask' });
    await userEvent.keyboard('{ArrowDown}{Enter}');
    await expect.poll(() => askedFor(backend, 'session/attach')).toContainEqual({ session_id: 'stop' });
  });

  test('renames in place', async () => {
    const { getByRole, backend } = await open();
    await getByRole('button', { name: /^Asks:/ }).click({ button: 'right' });
    await getByRole('menuitem', { name: 'Rename' }).click();
    const field = getByRole('textbox', { name: 'Name of the task' });
    await field.fill('Round refunds to even');
    await userEvent.keyboard('{Enter}');
    await expect
      .poll(() => askedFor(backend, 'session/rename'))
      .toEqual([{ session_id: 'ask', title: 'Round refunds to even' }]);
    await expect.element(field).not.toBeInTheDocument();
  });

  test('archives, and deletes after a question', async () => {
    const { getByRole, backend } = await open();
    await getByRole('button', { name: 'More for Upgrade sqlx to 0.9' }).click();
    await getByRole('menuitem', { name: 'Archive' }).click();
    await expect
      .poll(() => askedFor(backend, 'session/archive'))
      .toEqual([{ session_id: 'stop', archived: true }]);
    await getByRole('button', { name: 'More for Upgrade sqlx to 0.9' }).click();
    await getByRole('menuitem', { name: 'Delete…' }).click();
    const dialog = getByRole('dialog', { name: /Upgrade sqlx/ });
    await expect.element(dialog.getByRole('button', { name: 'Cancel' })).toHaveFocus();
    expect(askedFor(backend, 'session/delete')).toEqual([]);
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await expect.poll(() => askedFor(backend, 'session/delete')).toEqual([{ session_id: 'stop' }]);
  });

  test('searches titles and what was said, and marks the words', async () => {
    const hit = {
      session_id: 'old',
      title: 'Explain',
      turn_id: 't',
      snippet: 'the \ue000window\ue001 closes \u202e',
      at: 1,
    };
    const { getByRole } = await open(engine({ 'session/search': () => [hit] }));
    await getByRole('searchbox', { name: 'Search tasks' }).fill('window');
    const list = getByRole('list', { name: 'Tasks' });
    await expect
      .element(list)
      .toHaveTextContent(/Titles.*Explain settlement windows.*In conversations.*the window closes ‹U\+202E›/);
    await expect.element(list.getByText('window', { exact: true })).toBeVisible();
    await getByRole('searchbox').fill('zzz');
  });

  test('has a word for no tasks, and for a search without a find', async () => {
    const { getByRole, getByText } = await open(engine({ 'session/list': () => [] }));
    await expect.element(getByText('No tasks yet.', { exact: false })).toBeVisible();
    await getByRole('searchbox').fill('zzz');
    await expect.element(getByText('No task has these words.')).toBeVisible();
  });

  test('says that folder and tasks stay when a project is removed', async () => {
    const { getByRole, backend } = await open();
    await getByRole('button', { name: 'Remove storefront from the list' }).click();
    const dialog = getByRole('dialog', { name: 'Remove storefront from the list?' });
    await expect.element(dialog).toHaveTextContent('The folder and its tasks stay.');
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await expect.poll(() => askedFor(backend, 'project/remove')).toEqual([{ project_id: 'project-2' }]);
  });

  test('mounts only what is seen of very many tasks', async () => {
    const many = Array.from({ length: 5000 }, (_, n) => ({
      ...sessionLike(),
      id: `s${n}`,
      title: `Task ${n}`,
    }));
    const { getByRole, container } = await open(engine({ 'session/list': () => many }));
    await expect.element(getByRole('button', { name: /^(Running|Asks|Done):/ }).first()).toBeVisible();
    expect(container.querySelectorAll('[data-row]').length).toBeLessThan(100);
  });
});

const sessionLike = () => {
  const [first] = many;
  if (!first) throw new Error('no session');
  return { ...first, state: 'idle' as const };
};
const many = await engine().request('session/list', { folder: null, archived: false, limit: null });

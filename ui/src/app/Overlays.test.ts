import { beforeEach, describe, expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import type { FakeBackend } from '../backend/fake';
import { Kerf } from '../state/kerf.svelte';
import { askedFor, checkAxe, project, session } from '../testing';
import App from './App.svelte';
import { engine } from './engine';
import { Frame } from './frame.svelte';
import { shownKeys } from './keymap';
import { windowActions } from './windowActions';

beforeEach(() => localStorage.clear());

async function open(backend: FakeBackend = engine()) {
  const screen = render(App, { backend });
  screen.container.style.height = '100%';
  await expect.element(screen.getByRole('banner')).toHaveTextContent('ledgerd');
  return { ...screen, backend };
}

async function palette(backend?: FakeBackend) {
  const screen = await open(backend);
  await userEvent.keyboard('{Control>}k{/Control}');
  const field = screen.getByRole('combobox');
  await expect.element(field).toHaveFocus();
  return { ...screen, field };
}

describe('the palette', () => {
  test('finds commands with their keys, tasks, projects and files, and is used by keys alone', async () => {
    const backend = engine({ 'project/files': () => ({ paths: ['src/split.rs'], more: false }) });
    const { field, getByRole } = await palette(backend);
    await expect.element(getByRole('option', { name: 'New task' })).toHaveTextContent('Ctrl N');
    await checkAxe();
    await field.fill('split');
    await expect.element(getByRole('option', { name: /^Split the billing/ })).toBeVisible();
    await expect.element(getByRole('option', { name: 'src/split.rs' })).toBeVisible();
    await userEvent.keyboard('{ArrowUp}{Enter}');
    await expect
      .poll(() => backend.done)
      .toContainEqual(['openFile', '/projects/ledgerd', 'src/split.rs', undefined]);
    await expect.element(field).not.toBeInTheDocument();
  });

  test('shows the keys of each command that has some, and mounts only what is seen of very many', async () => {
    const sessions = Array.from({ length: 5000 }, (_, at) => session({ id: `s${at}`, title: `Task ${at}` }));
    const { field, getByRole, backend } = await palette(engine({ 'session/list': () => sessions }));
    expect(document.querySelectorAll('dialog [role=option]').length).toBeLessThan(100);
    const actions = windowActions(new Kerf(backend), new Frame()).filter(
      ({ id, keys, enabled }) => keys && !enabled && id !== 'app.palette',
    );
    expect(actions.length).toBeGreaterThan(8);
    for (const { title, keys } of actions) {
      await field.fill(`>${title}`);
      await expect
        .element(getByRole('option', { name: title }).first())
        .toHaveTextContent(shownKeys(keys ?? ''));
    }
  });

  test('drops an answer that was overtaken', async () => {
    const answers: ((paths: string[]) => void)[] = [];
    const { field, getByRole } = await palette(
      engine({
        'project/files': () =>
          new Promise((resolve) => answers.push((paths) => resolve({ paths, more: false }))),
      }),
    );
    await field.fill('a');
    await field.fill('ab');
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.(['new.rs']);
    await expect.element(getByRole('option', { name: 'new.rs' })).toBeVisible();
    answers[0]?.(['old.rs']);
    await expect.element(getByRole('option', { name: 'old.rs' })).not.toBeInTheDocument();
  });

  test('lists commands only after >, what was taken last first, and says when nothing is found', async () => {
    const { field, getByRole, getByText } = await palette();
    await field.fill('>ledger');
    await userEvent.keyboard('{Enter}');
    await expect.element(getByRole('heading', { name: 'Ledger' })).toBeVisible();
    await userEvent.keyboard('{Control>}k{/Control}');
    await expect.element(getByRole('option').first()).toHaveTextContent('Show the ledger');
    await field.fill('zzzz');
    await expect.element(getByText('Nothing is called “zzzz”.')).toBeVisible();
    await userEvent.keyboard('{Escape}');
    await expect.element(field).not.toBeInTheDocument();
  });
});

describe('folders', () => {
  test('are dropped on the whole window, several at once', async () => {
    const backend = engine({
      'project/open': ({ path }) => ({
        type: 'opened',
        project: project({ id: path, path, name: path.slice(3) }),
      }),
    });
    const { getByText } = await open(backend);
    backend.drag({ type: 'over' });
    await expect.element(getByText('Drop to open')).toBeVisible();
    backend.drag({ type: 'dropped', paths: ['/a/one', '/a/two'] });
    await expect.element(getByText('Drop to open')).not.toBeInTheDocument();
    await expect
      .poll(() => askedFor(backend, 'project/open'))
      .toEqual([
        { path: '/a/one', confirmed: false },
        { path: '/a/two', confirmed: false },
      ]);
  });

  test('that are too wide are asked about, and opening them is not the first answer', async () => {
    const backend = engine({
      'project/open': ({ path, confirmed }) =>
        confirmed
          ? { type: 'opened', project: project({ id: 'home', path, name: 'me' }) }
          : { type: 'too_wide', path, why: 'This is your home folder' },
    });
    const { getByRole } = await open(backend);
    backend.ask({ type: 'open', paths: ['/home/me'] });
    const dialog = getByRole('dialog');
    await expect
      .element(dialog)
      .toHaveTextContent('This is your home folder. Kerf would watch and search all of it.');
    await expect.element(dialog.getByRole('button', { name: 'Open anyway' })).not.toHaveFocus();
    await checkAxe();
    await dialog.getByRole('button', { name: 'Open anyway' }).click();
    await expect
      .poll(() => askedFor(backend, 'project/open'))
      .toContainEqual({ path: '/home/me', confirmed: true });
    await expect.element(dialog).not.toBeInTheDocument();
  });
});

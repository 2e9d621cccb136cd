import { beforeEach, describe, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import type { FakeBackend } from '../backend/fake';
import { overFiles } from '../backend/fakeFiles';
import { FILES } from '../features/search/sample';
import type { SearchAnswer } from '../protocol/SearchAnswer';
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

const hit = {
  session_id: 'old',
  title: 'Explain settlement windows',
  turn_id: 't',
  snippet: 'the \ue000split\ue001 of \u202e',
  at: 1,
};

describe('the palette', () => {
  test('finds files, symbols, text, tasks and history in one list, and is used by keys alone', async () => {
    await page.viewport(1440, 900);
    const backend = engine({ 'session/search': () => [hit] });
    const { field, getByRole, container } = await palette(backend);
    await expect.element(getByRole('option', { name: 'New task' })).toHaveTextContent('Ctrl N');
    await checkAxe();
    await field.fill('split');
    const options = getByRole('listbox');
    // A symbol of that name comes before a task that begins with it, and both before text.
    await expect
      .element(options)
      .toHaveTextContent(
        /Symbols.*split.*function · .*Tasks.*Split the billing.*Text.*History.*the split of ‹U\+202E›/,
      );
    await expect
      .element(getByRole('option', { name: 'split function · crates/money/src/money.rs:11' }))
      .toBeVisible();
    const marks = [...container.ownerDocument.querySelectorAll('[role=option] .word')];
    expect(new Set(marks.map((mark) => mark.textContent.toLowerCase()))).toEqual(new Set(['split']));
    // What is chosen stands beside the list, in its place.
    const preview = getByRole('region', { name: 'Preview' });
    await expect.element(preview).toHaveTextContent('pub fn split(self, parts: u32)');
    await checkAxe();
    await userEvent.keyboard('{ArrowDown}');
    await expect.element(preview).toHaveTextContent('export function split');
    await userEvent.keyboard('{Enter}');
    await expect
      .poll(() => backend.done)
      .toContainEqual(['openFile', '/projects/ledgerd', 'web/src/money.ts', 1]);
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

  test('opens a file at a line, and has it first the next time', async () => {
    const { field, getByRole, backend } = await palette();
    await field.fill('refund.rs:5');
    await expect.element(getByRole('option', { selected: true })).toHaveTextContent('line 5');
    await userEvent.keyboard('{Enter}');
    await expect
      .poll(() => backend.done)
      .toContainEqual(['openFile', '/projects/ledgerd', 'crates/money/src/refund.rs', 5]);
    await userEvent.keyboard('{Control>}k{/Control}');
    await expect.element(getByRole('listbox')).toHaveTextContent(/^Recent files\s*refund\.rs/);
    await field.fill('rs');
    await expect
      .poll(() => askedFor(backend, 'search/run').at(-1))
      .toMatchObject({
        recent: ['crates/money/src/refund.rs'],
      });
  });

  test('drops an answer that was overtaken, and Enter waits for the one that counts', async () => {
    const answers: (() => void)[] = [];
    const { 'search/run': run } = overFiles({ files: FILES });
    const { field, getByRole, backend } = await palette(
      engine({
        'search/run': (search) => {
          const answer = run?.(search) as SearchAnswer;
          if (search.mode !== 'path') return { ...answer, hits: [] };
          return new Promise((resolve) => answers.push(() => resolve(answer)));
        },
      }),
    );
    await field.fill('refund');
    await expect.poll(() => answers.length).toBe(1);
    await field.fill('rounding.md');
    await userEvent.keyboard('{Enter}');
    await expect.poll(() => answers.length).toBe(2);
    answers[0]?.();
    expect(backend.done).toEqual([]);
    answers[1]?.();
    await expect
      .poll(() => backend.done)
      .toContainEqual(['openFile', '/projects/ledgerd', 'docs/rounding.md', undefined]);
    await expect.element(getByRole('option', { name: /^refund/ })).not.toBeInTheDocument();
  });

  test('a sign at the front narrows it to one kind', async () => {
    const backend = engine({ 'session/search': () => [hit] });
    const { field, getByRole, getByText } = await palette(backend);
    await field.fill('@div');
    await expect.element(getByRole('option', { name: /^div_half_even function/ })).toBeVisible();
    await expect.element(getByText('Text', { exact: true })).not.toBeInTheDocument();
    await field.fill('/"half to even"');
    await expect
      .element(getByRole('option', { name: /^Refunds round half to even.*docs\/rounding\.md:3/ }))
      .toBeVisible();
    await expect.element(getByText('Symbols', { exact: true })).not.toBeInTheDocument();
    await field.fill('?split');
    await expect.element(getByRole('listbox')).toHaveTextContent(/^History.*Explain settlement windows$/);
    await userEvent.keyboard('{Enter}');
    await expect.poll(() => askedFor(backend, 'session/attach')).toContainEqual({ session_id: 'old' });
  });

  test('leads from a few to all in the search view', async () => {
    const files = { 'many.txt': Array.from({ length: 30 }, (_, at) => `round ${at}`).join('\n') };
    const { field, getByRole } = await palette(engine(overFiles({ files })));
    await field.fill('round');
    await getByRole('option', { name: 'All 30 in the search view…' }).click();
    await expect.element(getByRole('textbox', { name: 'Search in the project' })).toHaveValue('round');
    await expect.element(getByRole('textbox', { name: 'Search in the project' })).toHaveFocus();
    await expect.element(getByRole('main')).toHaveTextContent('30 hits in 1 file');
  });

  test('lists commands only after >, what was taken last first, and says when nothing is found', async () => {
    const { field, getByRole, getByText } = await palette();
    await field.fill('>ledger');
    await userEvent.keyboard('{Enter}');
    await expect.element(getByRole('heading', { name: 'Ledger' })).toBeVisible();
    await userEvent.keyboard('{Control>}k{/Control}');
    await expect.element(getByRole('option').first()).toHaveTextContent('Show the ledger');
    await field.fill('zzzz');
    await expect.element(getByText('Nothing is found for “zzzz”.')).toBeVisible();
    await userEvent.keyboard('{Escape}');
    await expect.element(field).not.toBeInTheDocument();
  });

  test('has no preview in a narrow window', async () => {
    await page.viewport(900, 700);
    const { field, getByRole } = await palette();
    await field.fill('split');
    await expect.element(getByRole('option', { name: /^split function/ }).first()).toBeVisible();
    await expect.element(getByRole('region', { name: 'Preview' })).not.toBeInTheDocument();
    await page.viewport(1280, 800);
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

  test('dropped pictures go with the message, and open nothing', async () => {
    const backend = engine();
    const { getByRole } = await open(backend);
    await expect.element(getByRole('group', { name: 'Message' })).toBeVisible();
    backend.drag({ type: 'dropped', paths: ['/a/shot.PNG'] });
    await expect.element(getByRole('img', { name: /picture/i }).first()).toBeVisible();
    expect(askedFor(backend, 'project/open')).toEqual([]);
    expect(backend.done).toContainEqual(['droppedPicture', '/a/shot.PNG']);
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

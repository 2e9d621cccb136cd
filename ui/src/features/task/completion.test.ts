import { page, userEvent } from 'vitest/browser';
import { beforeEach, expect, test } from 'vitest';
import type { Search } from '../../protocol/Search';
import type { SearchAnswer } from '../../protocol/SearchAnswer';
import { askedFor, checkAxe } from '../../testing';
import { said, view } from './staged';

beforeEach(async () => {
  localStorage.clear();
  await page.viewport(700, 800);
});

async function open(...more: Parameters<typeof view> extends [unknown, ...infer R] ? R : never) {
  const screen = await view([said('u1', 'go')], ...more);
  const field = screen.getByRole('textbox', { name: 'Message' });
  // A draft outlives the view.
  await field.fill('');
  return { ...screen, field, list: screen.getByRole('listbox', { name: 'Completions' }) };
}

test('@ completes files and symbols, and the list is told to who cannot see it', async () => {
  const { field, list, container, backend } = await open();
  await field.fill('look at @mon');
  await expect.element(list.getByRole('option')).toHaveLength(2);
  await expect.element(list).toHaveTextContent(/src\/money\.rs.*Money struct · src\/money\.rs:1/);
  const chosen = field.element().getAttribute('aria-activedescendant') ?? '';
  expect(document.getElementById(chosen)?.getAttribute('aria-selected')).toBe('true');
  expect(field.element().getAttribute('aria-controls')).toBe(list.element().id);
  await checkAxe(container);
  await userEvent.keyboard('{ArrowUp}{Enter}');
  await expect.element(field).toHaveValue('look at src/money.rs:1 ');
  const asked = askedFor(backend, 'search/run') as Search[];
  expect(new Set(asked.map(({ mode }) => mode))).toEqual(new Set(['path', 'symbol']));
});

test('Tab takes too, the caret stays after it, and a name with a space is quoted', async () => {
  const { field, list } = await open();
  await field.fill('@odd then');
  (field.element() as HTMLTextAreaElement).setSelectionRange(4, 4);
  field.element().dispatchEvent(new InputEvent('input', { bubbles: true }));
  await expect.element(list).toHaveTextContent('docs/odd name.md');
  await userEvent.keyboard('{Tab}');
  await expect.element(field).toHaveValue('"docs/odd name.md"  then');
  await expect.element(field).toHaveFocus();
  expect((field.element() as HTMLTextAreaElement).selectionStart).toBe('"docs/odd name.md" '.length);
});

test('an @ counts at the start and after white space alone', async () => {
  const { field, list, backend } = await open();
  for (const text of ['me@money', 'a@', '(@money', '@money ']) {
    await field.fill(text);
    expect(askedFor(backend, 'search/run'), text).toEqual([]);
    await expect.element(list).not.toBeInTheDocument();
  }
  await field.fill('one\n@spl');
  await expect.element(list).toHaveTextContent('split function · src/money.rs:3');
});

test('Escape closes the list and leaves the text and the turn alone', async () => {
  const { field, list, backend } = await open(true);
  await field.fill('@mon');
  await expect.element(list).toBeVisible();
  await userEvent.keyboard('{Escape}');
  await expect.element(list).not.toBeInTheDocument();
  await userEvent.keyboard('e');
  await expect.element(field).toHaveValue('@mone');
  await expect.element(list).not.toBeInTheDocument();
  expect(askedFor(backend, 'session/cancel')).toEqual([]);
  await userEvent.keyboard(' @mon');
  await expect.element(list).toBeVisible();
});

test('Enter takes what is found for what is typed, also when that is still to come', async () => {
  const { field, backend } = await open();
  await field.fill('see @spl');
  await userEvent.keyboard('{Enter}');
  await expect.element(field).toHaveValue('see src/money.rs:3 ');
  expect(askedFor(backend, 'session/prompt')).toEqual([]);
});

test('an answer that was overtaken is not taken', async () => {
  const answers: { query: string; answer: (found: SearchAnswer) => void }[] = [];
  const { field, list } = await open(false, {
    'search/run': ({ query, mode }) =>
      new Promise((resolve) => {
        if (mode === 'path') answers.push({ query, answer: resolve });
      }),
  });
  const found = (path: string): SearchAnswer => ({
    hits: [
      {
        path,
        line: 1,
        column: 1,
        text: path,
        marks: [],
        score: 0,
        kind: 'file',
        symbol: null,
        symbol_kind: null,
        last_line: 1,
      },
    ],
    total: 1,
    files: 1,
    more: false,
    skipped: [],
    scanned: null,
    micros: 1,
  });
  await field.fill('@a');
  await expect.poll(() => answers.length).toBe(1);
  await field.fill('@ab');
  await expect.poll(() => answers.length).toBe(2);
  answers[1]?.answer(found('new.rs'));
  await expect.element(list).toHaveTextContent('new.rs');
  answers[0]?.answer(found('old.rs'));
  await new Promise((resolve) => requestAnimationFrame(resolve));
  await expect.element(list).toHaveTextContent(/^\s*new\.rs\s*$/);
});

import { page, userEvent } from 'vitest/browser';
import { beforeEach, expect, test, vi } from 'vitest';
import type { HunkLine } from '../../protocol/HunkLine';
import type { ReviewFile } from '../../protocol/ReviewFile';
import { ReviewLines } from '../../state/reviewLines.svelte';
import { askedFor, checkAxe } from '../../testing';
import { decisions, desk } from './atDesk';
import { file, hunk } from './sample';

const tool = { type: 'tool', turn_id: 'turn-1', item_id: 'item-1' } as const;

/** A hunk that takes one line away and adds two, among others as they were. */
async function lines(change: Partial<ReviewFile> = {}) {
  const one = hunk(1, [' above', '-old', '+new', '+more', ' below'], {
    at: 40,
    made_by: [{ first: 1, count: 3, author: tool }],
  });
  const screen = await desk([file('a.ts', [one], change)]);
  await expect.element(screen.getByText('more', { exact: true })).toBeVisible();
  const menu = screen.getByRole('menu');
  const entries = () =>
    menu
      .getByRole('menuitem')
      .elements()
      .map((entry) => entry.textContent.trim());
  return { screen, menu, entries };
}

beforeEach(async () => {
  await page.viewport(900, 800);
});

test('a line that is pointed at is decided, commented, copied and opened', async () => {
  const { screen, menu, entries } = await lines();
  await screen.getByText('more', { exact: true }).click({ button: 'right' });
  await expect.element(menu).toBeVisible();
  expect(entries()).toEqual([
    'Accept line Y',
    'Reject line N',
    'Comment C',
    'Why: from edit, turn 1 W',
    'Copy line',
    'Open file at line 42',
  ]);
  await checkAxe();
  await menu.getByText('Open file at line 42').click();
  expect(screen.backend.done).toEqual([['openFile', '/projects/ledgerd', 'a.ts', 42]]);

  const copied = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
  await screen.getByText('more', { exact: true }).click({ button: 'right' });
  await menu.getByText('Copy line').click();
  await expect.poll(() => copied.mock.calls).toEqual([['more']]);

  await screen.getByText('more', { exact: true }).click({ button: 'right' });
  await menu.getByText('Accept line').click();
  await expect
    .poll(() => decisions(screen.backend))
    .toEqual([['accept', { type: 'lines', path: 'a.ts', hunk: 1, id: 1, lines: [3] }]]);
});

test('lines that are no longer there are not copied in part', async () => {
  const { screen, menu } = await lines();
  const copied = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
  copied.mockClear();
  await userEvent.keyboard('{Shift>}{F10}{/Shift}');
  await expect.element(menu).toBeVisible();
  await userEvent.keyboard('{Escape}');
  await userEvent.keyboard('{Shift>}{ArrowDown}{ArrowDown}{/Shift}');
  await userEvent.keyboard('{ContextMenu}');
  const there = (at: number): HunkLine | undefined =>
    at === 2 ? undefined : { kind: 'added', old: null, new: at, text: 'there' };
  vi.spyOn(ReviewLines.prototype, 'readLines').mockResolvedValueOnce(there);
  await menu.getByText('Copy 3 lines').click();
  await expect.poll(() => screen.kerf.failure?.message).toContain('These lines have changed');
  expect(copied).not.toHaveBeenCalled();
});

test('a line that did not change is not decided', async () => {
  const { screen, entries } = await lines();
  await screen.getByText('below', { exact: true }).click({ button: 'right' });
  await expect.poll(entries).toEqual(['Comment C', 'Copy line', 'Open file at line 43']);
});

test('keys ask for it too, at the lines that they selected', async () => {
  const { screen, menu, entries } = await lines();
  // At the first line of the hunk that keys are at.
  await userEvent.keyboard('{Shift>}{F10}{/Shift}');
  await expect.element(menu).toBeVisible();
  expect(entries()[0]).toBe('Accept line Y');
  await userEvent.keyboard('{Escape}');
  await expect.element(menu).not.toBeInTheDocument();
  // The keyboard is back at the changes: the selection grows from there.
  await userEvent.keyboard('{Shift>}{ArrowDown}{ArrowDown}{/Shift}');
  await userEvent.keyboard('{ContextMenu}');
  await expect.poll(() => entries()[0]).toBe('Accept 3 lines Y');
  expect(entries()).toContain('Copy 3 lines');
  await userEvent.keyboard('{ArrowDown}{Enter}');
  await expect
    .poll(() => decisions(screen.backend))
    .toEqual([['reject', { type: 'lines', path: 'a.ts', hunk: 1, id: 1, lines: [1, 2, 3] }]]);
  expect(askedFor(screen.backend, 'review/comment')).toEqual([]);
});

test('a file that is gone is not opened', async () => {
  const { screen, entries } = await lines({ status: 'deleted' });
  await screen.getByText('more', { exact: true }).click({ button: 'right' });
  await expect.poll(entries).toContain('Copy line');
  expect(entries().filter((entry) => entry.startsWith('Open'))).toEqual([]);
});

test('where one writes, its keys are the system’s', async () => {
  const { screen, menu } = await lines();
  await screen.getByText('new', { exact: true }).click({ button: 'right' });
  await menu.getByText('Comment').click();
  const field = screen.getByRole('textbox', { name: 'Comment on a.ts' });
  await expect.poll(() => document.activeElement).toBe(field.element());
  const taken = vi.fn<(event: Event) => void>();
  const follow = (event: Event) => taken(event);
  window.addEventListener('keydown', follow);
  await userEvent.keyboard('{Shift>}{F10}{/Shift}');
  window.removeEventListener('keydown', follow);
  expect(taken.mock.calls.map(([event]) => event.defaultPrevented)).toEqual([false, false]);
  await expect.element(menu).not.toBeInTheDocument();
});

test('a comment is begun at the line, and has the keyboard', async () => {
  const { screen, menu } = await lines();
  await screen.getByText('new', { exact: true }).click({ button: 'right' });
  await menu.getByText('Comment').click();
  const field = screen.getByRole('textbox', { name: 'Comment on a.ts' });
  await expect.element(field).toBeVisible();
  await expect.poll(() => document.activeElement).toBe(field.element());
});

test('lines of a branch are for looking at', async () => {
  const { screen, entries } = await lines();
  screen.kerf.task!.look({ type: 'branch', base: null });
  await expect.element(screen.getByRole('button', { name: 'Accept rest' })).not.toBeInTheDocument();
  await screen.getByText('more', { exact: true }).click({ button: 'right' });
  await expect
    .poll(entries)
    .toEqual(['Comment C', 'Why: from edit, turn 1 W', 'Copy line', 'Open file at line 42']);
});

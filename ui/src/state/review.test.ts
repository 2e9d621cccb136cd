import { describe, expect, test } from 'vitest';
import { fakeBackend } from '../backend/fake';
import type { FileOutline } from '../protocol/FileOutline';
import type { HunkState } from '../protocol/HunkState';
import type { Outline } from '../protocol/Outline';
import { ReviewState } from './review.svelte';

/** A review from the states of the hunks of its files: `p` pending, `a` accepted, `r` rejected. */
function review(files: Record<string, string>): FileOutline[] {
  const states: Record<string, HunkState> = { p: 'pending', a: 'accepted', r: 'rejected' };
  return Object.entries(files).map(([path, signs]) => ({
    path,
    status: 'modified',
    revision: Number.parseInt(signs, 36),
    content: signs.length,
    hunks: [...signs].map((sign, at) => ({
      hunk: at + 1,
      id: at + 1,
      state: states[sign] ?? 'pending',
      old: at * 10 + 1,
      new: at * 10 + 1,
      above: 0,
      removed: 1,
      added: 2,
      below: 0,
    })),
  }));
}

/** What the engine sends of a review to one who knows some of it. */
function outline(files: Record<string, string>, known: Record<string, number> = {}): Outline {
  const all = review(files);
  return {
    paths: all.map(({ path }) => path),
    files: all.filter(({ path, revision }) => known[path] !== revision),
  };
}

async function loaded(files: Record<string, string>) {
  const state = new ReviewState(fakeBackend({ 'review/outline': () => outline(files) }), 'id');
  await state.load();
  return state;
}

describe('the review', () => {
  test('counts, and begins at the first hunk that waits', async () => {
    const state = await loaded({ a: 'ar', b: 'pp' });
    expect(state.counts).toEqual({ hunks: 4, accepted: 1, rejected: 1, pending: 2, added: 8, removed: 4 });
    expect(state.current).toEqual({ path: 'b', hunk: 1 });
  });

  // From where, by key or after a decision, and to where.
  test.each([
    ['next', { a: 'pp', b: 'p' }, ['a', 1], ['a', 2]],
    ['next', { a: 'pa', b: 'ap' }, ['a', 1], ['b', 2]],
    ['next', { a: 'pp' }, ['a', 2], ['a', 2]],
    ['next', { a: 'aaa' }, ['a', 1], ['a', 2]],
    ['previous', { a: 'pa', b: 'ap' }, ['b', 2], ['a', 1]],
    ['advance', { a: 'pa', b: 'ap' }, ['a', 2], ['b', 2]],
    ['advance', { a: 'pa', b: 'aa' }, ['b', 1], ['a', 1]],
    ['advance', { a: 'aa' }, ['a', 1], ['a', 1]],
  ] as const)('%s in %j', async (how, files, [path, hunk], [toPath, toHunk]) => {
    const state = await loaded(files);
    state.current = { path, hunk };
    if (how === 'advance') state.advance();
    else state.move(how === 'next' ? 1 : -1);
    expect(state.current).toEqual({ path: toPath, hunk: toHunk });
  });

  test('knows which hunks the last decision was about', async () => {
    let files: Record<string, string> = { a: 'pa', b: 'p' };
    const backend = fakeBackend({
      'review/outline': ({ known }) => outline(files, known),
      'review/decide': () => {
        files = { a: 'aa', b: 'a' };
        return { session_id: 'id', decision_id: 1, hunks: 2, written: [] };
      },
      'review/undo': () => ({ session_id: 'id', decision_id: 1, hunks: 2, written: [] }),
    });
    const state = new ReviewState(backend, 'id');
    await state.load();
    await state.decide('accept', { type: 'all' });
    expect(state.lastDecided).toEqual([
      { path: 'a', hunk: 1 },
      { path: 'b', hunk: 1 },
    ]);
    await state.undo();
    expect(state.lastDecided).toEqual([]);
  });

  test('drops an answer that a later one overtook', async () => {
    const answers: ((outline: Outline) => void)[] = [];
    const backend = fakeBackend({
      'review/outline': () => new Promise<Outline>((answer) => answers.push(answer)),
    });
    const state = new ReviewState(backend, 'id');
    const both = [state.load(), state.load()];
    answers[1]?.(outline({ new: 'p' }));
    answers[0]?.(outline({ old: 'p' }));
    await Promise.all(both);
    expect(state.files.map(({ path }) => path)).toEqual(['new']);
  });

  test('keeps what it has when something fails, and says so', async () => {
    const state = await loaded({ a: 'p' });
    await state.decide('accept', { type: 'all' });
    expect(state.failure?.message).toContain('review/decide');
    expect(state.files).toHaveLength(1);
    expect(state.busy).toBe(false);
  });
});

import { describe, expect, test } from 'vitest';
import { fakeBackend } from '../backend/fake';
import type { FileOutline } from '../protocol/FileOutline';
import type { HunkPart } from '../protocol/HunkPart';
import type { ReadHunks } from '../protocol/ReadHunks';
import type { WantedLines } from '../protocol/WantedLines';
import { askedFor } from '../testing';
import { ReviewState } from './review.svelte';
import { STRETCH } from './reviewLines.svelte';

/** A file whose hunks add so many lines. */
function file(path: string, added: number[], change: Partial<FileOutline> = {}): FileOutline {
  return {
    path,
    status: 'modified',
    revision: 1,
    content: 1,
    hunks: added.map((count, at) => ({
      hunk: at + 1,
      id: at + 1,
      state: 'pending',
      old: 1,
      new: at * 10_000 + 1,
      above: 0,
      removed: 0,
      added: count,
      below: 0,
    })),
    ...change,
  };
}

/** What the engine reads of a file, at most so many lines. */
function part(of: FileOutline, { hunk, first, count }: WantedLines, most = Infinity): HunkPart {
  const { added, new: start } = of.hunks[hunk - 1]!;
  const length = Math.max(0, Math.min(count, most, added - first));
  const lines = Array.from({ length }, (_, at) => ({
    kind: 'added' as const,
    old: null,
    new: start + first + at,
    text: `${of.path} ${hunk}:${first + at} of ${of.content}`,
  }));
  return { path: of.path, content: of.content, hunk, header: `in ${of.path}`, authors: [], first, lines };
}

/** An engine with a review that can change, which sends at most so many lines at once. */
function engine(files: FileOutline[], most = Infinity) {
  const now = { files };
  const backend = fakeBackend({
    'review/outline': ({ known }) => ({
      paths: now.files.map(({ path }) => path),
      files: now.files.filter(({ path, revision }) => known[path] !== revision),
    }),
    'review/lines': ({ wanted }) => {
      let left = most;
      const parts = wanted.flatMap((one) => {
        const of = now.files.find(({ path, content }) => path === one.path && content === one.content);
        if (!of || left <= 0) return [];
        const sent = part(of, one, left);
        left -= sent.lines.length;
        return [sent];
      });
      return { parts, stale: left > 0 && parts.length < wanted.length };
    },
    'review/decide': () => ({ session_id: 'id', decision_id: 1, hunks: 1, written: [] }),
  });
  return { now, backend, review: new ReviewState(backend, 'id') };
}

const wanted = (backend: ReturnType<typeof fakeBackend>) =>
  askedFor(backend, 'review/lines').map((params) =>
    (params as ReadHunks).wanted.map(({ path, hunk, first }) => `${path} ${hunk}:${first}`),
  );

function see(review: ReviewState, path: string, hunk: number, at: number): string | undefined {
  const file = review.file(path)!;
  const read = review.lines.see(file, file.hunks[hunk - 1]!, at);
  return read?.lines[read.at]?.text;
}

describe('the lines of a review', () => {
  test('are read when they are seen: first what is on screen, then what is near', async () => {
    const { backend, review } = engine([
      file('a', [5, 5]),
      file('b', [1, 1]),
      file('c', [3 * STRETCH]),
      file('d', [1]),
    ]);
    await review.load();
    expect(wanted(backend)).toEqual([]);
    expect(see(review, 'b', 1, 0)).toBeUndefined();
    await expect.poll(() => see(review, 'b', 1, 0)).toBe('b 1:0 of 1');
    await expect.poll(() => wanted(backend).length).toBe(2);
    expect(wanted(backend)[0]).toEqual(['b 1:0']);
    // A long hunk is not read to its end, and what is behind it not at all.
    expect(wanted(backend)[1]!.toSorted()).toEqual(['a 1:0', 'a 2:0', 'b 2:0', 'c 1:0']);
    expect(review.lines.head(review.file('b')!, review.file('b')!.hunks[0]!)?.header).toBe('in b');
    // Going on within what was read asks for what comes next.
    expect(see(review, 'c', 1, STRETCH - 1)).toBe(`c 1:${STRETCH - 1} of 1`);
    await expect.poll(() => wanted(backend).at(-1)).toEqual([`c 1:${STRETCH}`]);
  });

  test('are put together when they come in several answers', async () => {
    const { backend, review } = engine([file('a', [STRETCH, 7])], 150);
    await review.load();
    see(review, 'a', 1, 0);
    await expect.poll(() => see(review, 'a', 1, STRETCH - 1)).toBe(`a 1:${STRETCH - 1} of 1`);
    await expect.poll(() => see(review, 'a', 2, 6)).toBe('a 2:6 of 1');
    expect(wanted(backend).slice(0, 3)).toEqual([['a 1:0'], ['a 1:150'], ['a 1:300']]);
  });

  test('come in together with the outline when what is on screen changes, and only those', async () => {
    const { now, backend, review } = engine([file('a', [3]), file('b', [3])]);
    await review.load();
    see(review, 'a', 1, 0);
    await expect.poll(() => see(review, 'b', 1, 0)).toBe('b 1:0 of 1');
    const kept = review.file('b');
    const before = wanted(backend).length;
    now.files = [file('a', [4], { revision: 2, content: 2 }), now.files[1]!];
    await review.load();
    expect(see(review, 'a', 1, 3)).toBe('a 1:3 of 2');
    expect(see(review, 'b', 1, 0)).toBe('b 1:0 of 1');
    expect(review.file('b')).toBe(kept);
    expect(wanted(backend).slice(before)).toEqual([['a 1:0']]);
    expect(askedFor(backend, 'review/outline').at(-1)).toEqual({
      session_id: 'id',
      known: { a: 1, b: 1 },
      scope: { type: 'task' },
    });
  });

  test('stay when only decisions changed', async () => {
    const { now, backend, review } = engine([file('a', [3])]);
    await review.load();
    see(review, 'a', 1, 0);
    await expect.poll(() => see(review, 'a', 1, 0)).toBe('a 1:0 of 1');
    const before = wanted(backend).length;
    const decided = file('a', [3], { revision: 2 });
    decided.hunks[0]!.state = 'accepted';
    now.files = [decided];
    await review.decide('accept', { type: 'all' });
    expect(review.lastDecided).toEqual([{ path: 'a', hunk: 1 }]);
    expect(see(review, 'a', 1, 2)).toBe('a 1:2 of 1');
    expect(wanted(backend)).toHaveLength(before);
  });

  test('that are no longer there make the outline be read again, and no more than that', async () => {
    const { now, backend, review } = engine([file('a', [3]), file('b', [3])]);
    await review.load();
    now.files = [file('b', [2], { revision: 2, content: 2 })];
    see(review, 'b', 1, 0);
    await expect.poll(() => review.files.map(({ path }) => path)).toEqual(['b']);
    await expect.poll(() => see(review, 'b', 1, 1)).toBe('b 1:1 of 2');
    expect(askedFor(backend, 'review/outline')).toHaveLength(2);
    expect(review.failure).toBeNull();
  });

  test('that are refused again and again are not asked for for ever', async () => {
    const { backend, review } = engine([file('a', [3])]);
    await review.load();
    let refused = 0;
    const { request } = backend;
    backend.request = (method, params) => {
      if (method !== 'review/lines') return request(method, params);
      refused += 1;
      return Promise.resolve({ parts: [], stale: true }) as never;
    };
    see(review, 'a', 1, 0);
    await expect.poll(() => refused).toBe(6);
    await review.load();
    expect(refused).toBe(6);
  });

  test('that cannot be read are told, and are there when the review is asked for again', async () => {
    const { backend, review } = engine([file('a', [3])]);
    await review.load();
    const { request } = backend;
    backend.request = () => Promise.reject(new Error('the engine is gone'));
    see(review, 'a', 1, 0);
    await expect.poll(() => review.failure?.message).toBe('the engine is gone');
    backend.request = request;
    await review.load();
    await expect.poll(() => see(review, 'a', 1, 0)).toBeDefined();
  });
});

import { expect, test } from 'vitest';
import type { DiffLayout } from '../protocol/DiffLayout';
import type { FileOutline } from '../protocol/FileOutline';
import { lengthOf } from './hunk';
import { keyOf, Rows, type Row } from './rows';
import { BARE, gapAt, type FileView } from './view';

/** A file whose hunks take away and put in so many lines at these places, and of which lines are shown around. */
function outline(lines: number, ...changes: [at: number, removed: number, added: number][]): FileOutline {
  let shift = 0;
  return {
    path: 'a.ts',
    status: 'modified',
    revision: 1,
    content: 1,
    lines,
    hunks: changes.map(([at, removed, added], nth) => {
      const hunk = { old: at - shift, new: at, above: 1, removed, added, below: 1 };
      shift += added - removed;
      return { hunk: nth + 1, id: (nth + 1) * 7, state: 'pending' as const, ...hunk };
    }),
  };
}

const FILE = outline(40, [5, 2, 3], [20, 1, 0], [26, 0, 4]);
const AROUND: FileView = { ...BARE, around: true };

function all(view: FileView, layout: DiffLayout = 'unified'): Row[] {
  const rows = new Rows(
    [FILE],
    layout,
    () => false,
    [],
    () => view,
  );
  return Array.from({ length: rows.length }, (_, at) => rows.at(at)!);
}

/** The numbers as proposed that are shown, in order. */
function numbers(rows: Row[]): number[] {
  return rows.flatMap((row) => {
    if (row.type === 'around') return [row.new];
    if (row.type !== 'line' || row.new === null) return [];
    const { hunk } = row;
    if (row.new >= hunk.above && row.new < hunk.above + hunk.removed) return [];
    return [hunk.new + row.new - (row.new < hunk.above ? 0 : hunk.removed)];
  });
}

const words = (rows: Row[]) =>
  rows
    .map(({ type }) => type)
    .filter((type) => type !== 'line')
    .join(' ');

test.each(['unified', 'split'] as const)(
  '%s: the whole file is each of its lines once, in order',
  (layout) => {
    const rows = all({ ...AROUND, whole: true }, layout);
    expect(numbers(rows)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
    expect(rows.some(({ type }) => type === 'gap')).toBe(false);
    expect(new Set(rows.map(keyOf)).size).toBe(rows.length);
  },
);

test('numbers before run in step with those as proposed up to the next hunk', () => {
  const rows = all({ ...AROUND, whole: true });
  const olds = rows.flatMap((row) => (row.type === 'around' ? [[row.old, row.new]] : []));
  // One more line stands above from the first hunk on, as many as before from the second, and four more at the end.
  for (const [old, now] of olds) expect(now! - old!).toBe(now! < 5 ? 0 : now! < 20 ? 1 : now! < 26 ? 0 : 4);
});

test('what is not shown is told of between the hunks', () => {
  const rows = all(AROUND);
  expect(words(rows)).toBe('file gap hunk gap hunk gap hunk gap');
  const gaps = rows.flatMap((row) => (row.type === 'gap' ? [row.gap] : []));
  expect(gaps.map(({ first, length }) => [first, length])).toEqual([
    [1, 4],
    [10, 10],
    [22, 4],
    [32, 9],
  ]);
  // Where nothing is known of the lines, nothing is said.
  expect(words(all(BARE))).toBe('file hunk hunk hunk');
});

test('more lines stand below the hunk above and above the hunk below, and never twice', () => {
  const some = all({ ...AROUND, below: { 7: 3 }, above: { 14: 2 } });
  expect(numbers(some).filter((at) => at >= 10 && at < 20)).toEqual([10, 11, 12, 18, 19]);
  expect(words(some)).toBe(`file gap hunk${' around'.repeat(3)} gap hunk${' around'.repeat(2)} gap hunk gap`);
  for (const [below, above] of [
    [8, 8],
    [100, 0],
    [0, 100],
    [10, 10],
  ] as const) {
    const rows = all({ ...AROUND, below: { 7: below }, above: { 14: above } });
    const between = numbers(rows).filter((at) => at >= 10 && at < 20);
    expect(between).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  }
});

test('a folded hunk is one row, and shows nothing around it', () => {
  const view = { ...AROUND, folded: new Set([14]), below: { 7: 2, 14: 5 }, above: { 14: 5 }, whole: false };
  expect(words(all(view))).toBe('file gap hunk around around gap hunk fold gap hunk gap');
  const whole = all({ ...view, whole: true });
  // What stands beside it is the other hunk's.
  expect(numbers(whole)).toEqual(
    Array.from({ length: 40 }, (_, at) => at + 1).filter((at) => at < 20 || at > 21),
  );
});

test.each(['unified', 'split'] as const)(
  '%s: an editor takes the place of the lines that a hunk adds',
  (layout) => {
    const view = { ...AROUND, edited: 7 };
    const rows = new Rows(
      [FILE],
      layout,
      () => false,
      [],
      () => view,
    );
    const at = rows.editor();
    expect(rows.at(at)?.type).toBe('editor');
    const shown = Array.from({ length: rows.length }, (_, at) => rows.at(at)!);
    const first = shown.filter((row) => row.type === 'line' && row.hunk.hunk === 1);
    // One above, two taken away, one below.
    expect(first).toHaveLength(4);
    expect(rows.indexOf('a.ts', 1, 1 + 2)).toBe(-1);
    expect(rows.indexOf('a.ts', 1, 1 + 2 + 3)).toBe(at + 1);
    expect(rows.indexOf('a.ts', 1, 2)).toBe(at - 1);
  },
);

test.each(['unified', 'split'] as const)(
  '%s: each row is found where it stands, whatever is opened',
  (layout) => {
    const views: FileView[] = [
      AROUND,
      { ...AROUND, whole: true, inset: true },
      { ...AROUND, folded: new Set([7, 21]), inset: true },
      { ...AROUND, below: { 21: 4 }, above: { 7: 3 }, edited: 21 },
    ];
    for (const view of views) {
      const note = { id: 'n', path: 'a.ts', hunk: 2, at: 1 };
      const rows = new Rows(
        [FILE, { ...FILE, path: 'b.ts' }],
        layout,
        () => false,
        [note],
        () => view,
      );
      const shown = Array.from({ length: rows.length }, (_, at) => rows.at(at)!);
      expect(shown).not.toContain(undefined);
      for (const [at, row] of shown.entries()) {
        const { path } = row.file;
        if (row.type === 'file') expect(rows.indexOf(path)).toBe(at);
        if (row.type === 'hunk') expect(rows.indexOf(path, row.hunk.hunk)).toBe(at);
        if (row.type === 'line')
          for (const line of [row.old, row.new])
            if (line !== null) expect(rows.indexOf(path, row.hunk.hunk, line)).toBe(at);
      }
      expect(shown.filter(({ type }) => type === 'note')).toHaveLength(1);
      expect(new Set(shown.map(keyOf)).size).toBe(shown.length);
    }
  },
);

test('a gap is as long as what lies between, and never negative', () => {
  for (let at = 0; at <= FILE.hunks.length; at += 1) {
    expect(gapAt(FILE.hunks, at, 40, AROUND).length).toBeGreaterThanOrEqual(0);
    // A file that is shorter than its hunks say is no reason to draw what is not there.
    expect(gapAt(FILE.hunks, at, 1, AROUND).length).toBeLessThanOrEqual(40);
    expect(gapAt(FILE.hunks, at, 0, AROUND).length).toBe(0);
  }
  expect(FILE.hunks.map(lengthOf)).toEqual([7, 3, 6]);
});

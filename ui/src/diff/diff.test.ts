import { describe, expect, test } from 'vitest';
import type { HunkLine } from '../protocol/HunkLine';
import type { ReviewFile } from '../protocol/ReviewFile';
import { loadPainter, toDiff } from './paint';
import { keyOf, rowsOf, type LineRow } from './rows';
import { between, changed, step, type Side } from './selection';

/** A hunk's lines from their signs, as ` -+ `. */
function lines(signs: string, at = 1): HunkLine[] {
  let [old, now] = [at, at];
  return [...signs].map((sign, index): HunkLine => {
    const kind = sign === '+' ? 'added' : sign === '-' ? 'removed' : 'context';
    return {
      kind,
      old: kind === 'added' ? null : old++,
      new: kind === 'removed' ? null : now++,
      text: `line ${index}`,
    };
  });
}

function review(...hunks: string[]): ReviewFile {
  return {
    path: 'src/a.ts',
    status: 'modified',
    hunks: hunks.map((signs, at) => ({
      hunk: at + 1,
      id: at + 1,
      state: 'pending',
      header: '',
      added: 0,
      removed: 0,
      authors: [],
      lines: lines(signs, at * 100 + 1),
    })),
  };
}

/** All ways to put a few signs in a row. */
function* shapes(length: number): Generator<string> {
  if (length === 0) return yield '';
  for (const rest of shapes(length - 1)) for (const sign of ' -+') yield sign + rest;
}

const unfolded = () => false;

describe('rows', () => {
  test.each(['unified', 'split'] as const)('%s: every line of every hunk once', (layout) => {
    for (const shape of shapes(5)) {
      const file = review(shape, ' + ');
      const rows = rowsOf([file], layout, unfolded, []);
      for (const hunk of file.hunks) {
        const seen = rows.flatMap((row) => (row.type === 'line' && row.hunk === hunk ? [row] : []));
        const indices = [...new Set(seen.flatMap((row) => [row.old, row.new]))].filter((at) => at !== null);
        expect(indices.toSorted((a, b) => a - b)).toEqual(hunk.lines.map((_, at) => at));
      }
      expect(new Set(rows.map(keyOf)).size).toBe(rows.length);
    }
  });

  test('split: removed lines stand beside the added ones that follow', () => {
    const rows = rowsOf([review(' --+ ')], 'split', unfolded, []);
    const pairs = rows.filter((row) => row.type === 'line').map((row) => [row.old, row.new]);
    expect(pairs).toEqual([
      [0, 0],
      [1, 3],
      [2, null],
      [4, 4],
    ]);
  });

  test('a note stands under its line, in both layouts, and nothing of a folded file is shown', () => {
    const file = review(' -+ ');
    const note = { id: 'n', path: file.path, hunk: 1, at: 2 };
    for (const layout of ['unified', 'split'] as const) {
      const rows = rowsOf([file], layout, unfolded, [note]);
      const at = rows.findIndex((row) => row.type === 'note');
      expect((rows[at - 1] as LineRow).new).toBe(2);
    }
    expect(rowsOf([file], 'unified', () => true, [note]).map(({ type }) => type)).toEqual(['file', 'body']);
  });
});

describe('selection', () => {
  const file = review(' --++ ', ' + ');
  const at = (rows: ReturnType<typeof rowsOf>, line: number, side: Side, hunk = 1) => ({
    row: rows.findIndex(
      (row) => row.type === 'line' && row.hunk.hunk === hunk && row[side === 'old' ? 'old' : 'new'] === line,
    ),
    side,
  });

  // Where it begins and ends, in which column, and what is then selected and decided.
  test.each([
    ['unified', 1, 'both', 3, 'both', [1, 2, 3], [1, 2, 3]],
    ['unified', 3, 'both', 1, 'both', [1, 2, 3], [1, 2, 3]],
    ['unified', 0, 'both', 5, 'both', [0, 1, 2, 3, 4, 5], [1, 2, 3, 4]],
    ['unified', 0, 'both', 0, 'both', [0], []],
    ['unified', 4, 'both', 4, 'both', [4], [4]],
    ['split', 1, 'old', 2, 'old', [1, 2], [1, 2]],
    ['split', 3, 'new', 4, 'new', [3, 4], [3, 4]],
    ['split', 1, 'old', 4, 'new', [1, 2, 3, 4], [1, 2, 3, 4]],
    ['split', 0, 'new', 5, 'new', [0, 3, 4, 5], [3, 4]],
    ['split', 5, 'old', 0, 'old', [0, 1, 2, 5], [1, 2]],
  ] as const)('%s: %i (%s) to %i (%s)', (layout, from, fromSide, to, toSide, selected, decided) => {
    const rows = rowsOf([file], layout, unfolded, []);
    const selection = between(rows, at(rows, from, fromSide), at(rows, to, toSide));
    expect(selection).toEqual({ path: file.path, hunk: 1, lines: selected });
    expect(changed(file.hunks[0]!, selection!.lines)).toEqual(decided);
  });

  test('stays in its hunk, and goes over notes', () => {
    const notes = [{ id: 'n', path: file.path, hunk: 1, at: 3 }];
    const rows = rowsOf([file], 'unified', unfolded, notes);
    const from = at(rows, 3, 'both');
    expect(between(rows, from, at(rows, 1, 'both', 2))?.lines).toEqual([3, 4, 5]);
    const on = step(rows, from, 1);
    expect(between(rows, from, on)?.lines).toEqual([3, 4]);
    const last = at(rows, 5, 'both');
    expect(step(rows, last, 1)).toEqual(last);
  });

  test('every stretch of every shape is what lies between its ends', () => {
    for (const shape of shapes(4)) {
      const file = review(shape);
      const rows = rowsOf([file], 'unified', unfolded, []);
      for (let from = 0; from < 4; from += 1)
        for (let to = from; to < 4; to += 1) {
          const selection = between(rows, { row: from + 2, side: 'both' }, { row: to + 2, side: 'both' });
          const all = [0, 1, 2, 3].slice(from, to + 1);
          expect(selection?.lines).toEqual(all);
          expect(changed(file.hunks[0]!, all)).toEqual(all.filter((line) => shape[line] !== ' '));
        }
    }
  });
});

describe('paint', () => {
  test('every line is given to the library once, in its place', () => {
    for (const shape of shapes(6)) {
      const given = lines(shape, 7);
      const diff = toDiff('a.ts', given);
      const [hunk] = diff.hunks;
      const back: HunkLine[] = [];
      let [old, now] = [hunk!.deletionStart, hunk!.additionStart];
      const text = (texts: string[], at: number) => texts[at]!.slice(0, -1);
      for (const content of hunk!.hunkContent) {
        if (content.type === 'context') {
          for (let at = 0; at < content.lines; at += 1)
            back.push({
              kind: 'context',
              old: old++,
              new: now++,
              text: text(diff.additionLines, content.additionLineIndex + at),
            });
        } else {
          for (let at = 0; at < content.deletions; at += 1)
            back.push({
              kind: 'removed',
              old: old++,
              new: null,
              text: text(diff.deletionLines, content.deletionLineIndex + at),
            });
          for (let at = 0; at < content.additions; at += 1)
            back.push({
              kind: 'added',
              old: null,
              new: now++,
              text: text(diff.additionLines, content.additionLineIndex + at),
            });
        }
      }
      // Within a change the library puts what was removed first.
      const inOrder = (lines: HunkLine[], kind: HunkLine['kind']) =>
        lines.filter((line) => line.kind === kind);
      for (const kind of ['context', 'removed', 'added'] as const)
        expect(inOrder(back, kind)).toEqual(inOrder(given, kind));
      expect(back).toHaveLength(given.length);
    }
  });

  test('parts join to the line that was given, whatever is in it', async () => {
    const paint = await loadPainter();
    const texts = ['', ' ', 'a\rb', 'x\u2028y', '\ttab', '<b>&amp;</b>', '\ufffd', '👩‍💻 = "é"', 'fn f() { "'];
    for (const path of ['a.rs', 'a.html', 'a.unknown', 'Makefile']) {
      const given = texts.flatMap((text, at): HunkLine[] => [
        { kind: 'removed', old: at + 1, new: null, text },
        { kind: 'added', old: null, new: at + 1, text: `${text};` },
      ]);
      const parts = paint(path, given);
      expect(parts.map((line) => line.map(({ text }) => text).join(''))).toEqual(
        given.map(({ text }) => text),
      );
    }
  });

  test('tells keywords, strings and what changed', async () => {
    const paint = await loadPainter();
    const [old, now] = paint('a.rs', [
      { kind: 'removed', old: 1, new: null, text: 'let a = "x";' },
      { kind: 'added', old: null, new: 1, text: 'let b = "x";' },
    ]);
    expect(old?.find(({ kind }) => kind === 'keyword')?.text).toContain('let');
    expect(now?.find(({ kind }) => kind === 'string')?.text).toContain('"x"');
    expect(old?.filter(({ word }) => word).map(({ text }) => text)).toEqual(['a']);
    expect(now?.filter(({ word }) => word).map(({ text }) => text)).toEqual(['b']);
  });
});

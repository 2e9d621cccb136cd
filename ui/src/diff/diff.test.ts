import { describe, expect, test } from 'vitest';
import type { FileOutline } from '../protocol/FileOutline';
import type { HunkLine } from '../protocol/HunkLine';
import { blankLine, kindOf, lastNumber, lengthOf, lineOfNew } from './hunk';
import { loadPainter, toDiff } from './paint';
import { keyOf, Rows, type LineRow, type Row } from './rows';
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

function outline(...hunks: string[]): FileOutline {
  return {
    path: 'src/a.ts',
    status: 'modified',
    revision: 1,
    content: 1,
    hunks: hunks.map((signs, at) => {
      const [, above, removed, added, below] = /^( *)(-*)(\+*)( *)$/.exec(signs)!.map(({ length }) => length);
      return {
        hunk: at + 1,
        id: at + 1,
        state: 'pending',
        old: at * 100 + 1,
        new: at * 100 + 1,
        above: above!,
        removed: removed!,
        added: added!,
        below: below!,
      };
    }),
  };
}

/** All ways to put a few signs in a row. */
function* shapes(length: number): Generator<string> {
  if (length === 0) return yield '';
  for (const rest of shapes(length - 1)) for (const sign of ' -+') yield sign + rest;
}

/** All hunks of a few lines: context, what is removed, what is added, context. */
function* hunks(length: number): Generator<string> {
  for (const shape of shapes(length)) if (/^ *-*\+* *$/.test(shape)) yield shape;
}

const unfolded = () => false;

function all(rows: Rows): Row[] {
  return Array.from({ length: rows.length }, (_, at) => rows.at(at)!);
}

test("a line's kind and numbers follow from its hunk's outline", () => {
  for (const shape of hunks(6)) {
    const [hunk] = outline(shape).hunks;
    const given = lines(shape).map((line) => ({ ...line, text: '' }));
    expect(given.map((_, at) => blankLine(hunk!, at))).toEqual(given);
    expect(given.map((_, at) => kindOf(hunk!, at))).toEqual(given.map(({ kind }) => kind));
    expect(lengthOf(hunk!)).toBe(given.length);
    for (let number = 0; number < 9; number += 1) {
      const at = given.findIndex((line) => line.new === number);
      expect(lineOfNew(hunk!, number)).toBe(at < 0 ? null : at);
    }
    const numbers = given.flatMap((line) => [line.old ?? 0, line.new ?? 0]);
    expect(lastNumber(hunk!)).toBe(Math.max(...numbers));
  }
});

describe('rows', () => {
  test.each(['unified', 'split'] as const)('%s: every line of every hunk once', (layout) => {
    for (const shape of hunks(5)) {
      const file = outline(shape, ' + ');
      const rows = all(new Rows([file], layout, unfolded, []));
      for (const hunk of file.hunks) {
        const seen = rows.flatMap((row) => (row.type === 'line' && row.hunk === hunk ? [row] : []));
        const indices = [...new Set(seen.flatMap((row) => [row.old, row.new]))].filter((at) => at !== null);
        expect(indices.toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: lengthOf(hunk) }, (_, at) => at),
        );
      }
      expect(new Set(rows.map(keyOf)).size).toBe(rows.length);
    }
  });

  test('split: removed lines stand beside the added ones that follow', () => {
    const rows = all(new Rows([outline(' --+ ')], 'split', unfolded, []));
    const pairs = rows.filter((row) => row.type === 'line').map((row) => [row.old, row.new]);
    expect(pairs).toEqual([
      [0, 0],
      [1, 3],
      [2, null],
      [4, 4],
    ]);
  });

  test.each(['unified', 'split'] as const)('%s: each row is found where it stands', (layout) => {
    const files = ['', ' --+ ', '++', '---', ' -+'].map((shape, at) => ({
      ...outline(shape, ' + '),
      path: `${at}`,
      ...(at === 0 ? { hunks: [] } : {}),
    }));
    const notes = [
      { id: 'a', path: '1', hunk: 1, at: 3 },
      { id: 'b', path: '1', hunk: 2, at: 0 },
      { id: 'c', path: '1', hunk: 1, at: 3 },
      { id: 'd', path: '4', hunk: 1, at: 0 },
      { id: 'of nothing', path: '4', hunk: 9, at: 0 },
      { id: 'of a folded file', path: '3', hunk: 1, at: 0 },
    ];
    const rows = new Rows(files, layout, ({ path }) => path === '3', notes);
    const shown = all(rows);
    expect(shown).not.toContain(undefined);
    expect([rows.at(-1), rows.at(rows.length)]).toEqual([undefined, undefined]);
    expect(rows.notes().map((at) => keyOf(rows.at(at)!))).toEqual(['note a', 'note c', 'note b', 'note d']);
    for (const [at, row] of shown.entries()) {
      const { path } = row.file;
      if (row.type === 'file') expect(rows.indexOf(path)).toBe(at);
      if (row.type === 'hunk') expect(rows.indexOf(path, row.hunk.hunk)).toBe(at);
      if (row.type === 'line')
        for (const line of [row.old, row.new])
          if (line !== null) expect(rows.indexOf(path, row.hunk.hunk, line)).toBe(at);
    }
    const nowhere: [string, number?, number?][] = [['5'], ['3', 1], ['1', 9], ['1', 1, 5], ['1', 1, -1]];
    for (const place of nowhere) expect(rows.indexOf(...place)).toBe(-1);
  });

  test('a note stands under its line, in both layouts, and nothing of a folded file is shown', () => {
    const file = outline(' -+ ');
    const note = { id: 'n', path: file.path, hunk: 1, at: 2 };
    for (const layout of ['unified', 'split'] as const) {
      const rows = all(new Rows([file], layout, unfolded, [note]));
      const at = rows.findIndex((row) => row.type === 'note');
      expect((rows[at - 1] as LineRow).new).toBe(2);
    }
    expect(all(new Rows([file], 'unified', () => true, [note])).map(({ type }) => type)).toEqual([
      'file',
      'body',
    ]);
  });
});

describe('selection', () => {
  const file = outline(' --++ ', ' + ');
  const at = (rows: Rows, line: number, side: Side, hunk = 1) => ({
    row: all(rows).findIndex(
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
    const rows = new Rows([file], layout, unfolded, []);
    const selection = between(rows, at(rows, from, fromSide), at(rows, to, toSide));
    expect(selection).toEqual({ path: file.path, hunk: 1, lines: selected });
    expect(changed(file.hunks[0]!, selection!.lines)).toEqual(decided);
  });

  test('stays in its hunk, and goes over notes', () => {
    const notes = [{ id: 'n', path: file.path, hunk: 1, at: 3 }];
    const rows = new Rows([file], 'unified', unfolded, notes);
    const from = at(rows, 3, 'both');
    expect(between(rows, from, at(rows, 1, 'both', 2))?.lines).toEqual([3, 4, 5]);
    const on = step(rows, from, 1);
    expect(between(rows, from, on)?.lines).toEqual([3, 4]);
    const last = at(rows, 5, 'both');
    expect(step(rows, last, 1)).toEqual(last);
  });

  test('every stretch of every shape is what lies between its ends', () => {
    for (const shape of hunks(4)) {
      const file = outline(shape);
      const rows = new Rows([file], 'unified', unfolded, []);
      for (let from = 0; from < 4; from += 1)
        for (let to = from; to < 4; to += 1) {
          const selection = between(rows, { row: from + 2, side: 'both' }, { row: to + 2, side: 'both' });
          const chosen = [0, 1, 2, 3].slice(from, to + 1);
          expect(selection?.lines).toEqual(chosen);
          expect(changed(file.hunks[0]!, chosen)).toEqual(chosen.filter((line) => shape[line] !== ' '));
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

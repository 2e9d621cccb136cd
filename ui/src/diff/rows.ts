/**
 * A review as the rows of one long list. How many there are, and which stands where, follows from the outline: a row is
 * made when it is shown.
 */

import type { DiffLayout } from '../protocol/DiffLayout';
import type { FileOutline } from '../protocol/FileOutline';
import type { HunkOutline } from '../protocol/HunkOutline';
import { lengthOf } from './hunk';

/** What the user put under a line. */
export interface Note {
  id: string;
  path: string;
  hunk: number;
  /** The line that it stands under, as an index into the hunk's lines. */
  at: number;
}

export type Row = FileRow | BodyRow | HunkRow | LineRow | NoteRow;

interface OfFile {
  file: FileOutline;
}

interface FileRow extends OfFile {
  type: 'file';
}

/** What stands in the place of a file's hunks. */
interface BodyRow extends OfFile {
  type: 'body';
}

interface HunkRow extends OfFile {
  type: 'hunk';
  hunk: HunkOutline;
}

/** A line, as indices into the hunk's lines: the same one twice unless old and new stand side by side. */
export interface LineRow extends OfFile {
  type: 'line';
  hunk: HunkOutline;
  old: number | null;
  new: number | null;
}

interface NoteRow extends OfFile {
  type: 'note';
  note: Note;
}

/** A file's rows among all. */
interface Block {
  file: FileOutline;
  /** The row of the file's head. */
  start: number;
  length: number;
  folded: boolean;
  /** The notes, and how many of the file's other rows stand before each; ascending. */
  notes: { note: Note; before: number }[];
}

/** The rows of a review. A folded file has a body in the place of its hunks. */
export class Rows {
  readonly length: number;
  readonly #layout: DiffLayout;
  readonly #blocks: Block[] = [];
  readonly #byPath = new Map<string, Block>();

  constructor(
    files: FileOutline[],
    layout: DiffLayout,
    folded: (file: FileOutline) => boolean,
    notes: Note[],
  ) {
    this.#layout = layout;
    let start = 0;
    for (const file of files) {
      const block: Block = { file, start, length: 0, folded: folded(file), notes: [] };
      if (!block.folded && notes.length > 0) block.notes = this.#notesIn(file, notes);
      block.length = (block.folded ? 2 : lengthOfFile(file, layout)) + block.notes.length;
      start += block.length;
      this.#blocks.push(block);
      this.#byPath.set(file.path, block);
    }
    this.length = start;
  }

  at(index: number): Row | undefined {
    const block = this.#blocks[last(this.#blocks, ({ start }) => start <= index)];
    if (!block || index < 0 || index >= block.start + block.length) return undefined;
    const { file } = block;
    let at = index - block.start;
    const passed = block.notes.findIndex(({ before }, nth) => before + nth >= at);
    const note = block.notes[passed];
    if (note && note.before + passed === at) return { type: 'note', file, note: note.note };
    at -= passed < 0 ? block.notes.length : passed;
    if (at === 0) return { type: 'file', file };
    const starts = startsOf(file, this.#layout);
    const nth = last(starts, (start) => start <= at);
    const hunk = file.hunks[nth];
    if (block.folded || !hunk) return { type: 'body', file };
    const line = at - (starts[nth] ?? 0) - 1;
    if (line < 0) return { type: 'hunk', file, hunk };
    return { type: 'line', file, hunk, ...pairOf(hunk, line, this.#layout) };
  }

  /** Where the head of a file stands, or of a hunk, or a line of it; -1 when it is not shown. */
  indexOf(path: string, hunk?: number, line?: number): number {
    const block = this.#byPath.get(path);
    if (!block) return -1;
    if (hunk === undefined) return block.start;
    const at = block.folded ? null : this.#placeOf(block.file, hunk, line);
    if (at === null) return -1;
    return block.start + at + block.notes.filter(({ before }) => before <= at).length;
  }

  /** Where notes stand. */
  notes(): number[] {
    return this.#blocks.flatMap(({ start, notes }) => notes.map(({ before }, nth) => start + before + nth));
  }

  #notesIn(file: FileOutline, notes: Note[]): Block['notes'] {
    return notes
      .flatMap((note) => {
        const at = note.path === file.path ? this.#placeOf(file, note.hunk, note.at) : null;
        return at === null ? [] : [{ note, before: at + 1 }];
      })
      .sort((a, b) => a.before - b.before);
  }

  /** Where something stands among the rows of its file, notes left out. */
  #placeOf(file: FileOutline, number: number, line?: number): number | null {
    const nth = file.hunks.findIndex(({ hunk }) => hunk === number);
    const [hunk, start] = [file.hunks[nth], startsOf(file, this.#layout)[nth]];
    if (!hunk || start === undefined) return null;
    if (line === undefined) return start;
    if (line < 0 || line >= lengthOf(hunk)) return null;
    return start + 1 + rowOfLine(hunk, line, this.#layout);
  }
}

/** Names a row among all; it keeps its name while the rows around it change. */
export function keyOf(row: Row): string {
  switch (row.type) {
    case 'file':
    case 'body':
      return `${row.type} ${row.file.path}`;
    case 'hunk':
      return `hunk ${row.hunk.hunk} ${row.file.path}`;
    case 'line':
      return `line ${row.hunk.hunk}:${row.old ?? ''}:${row.new ?? ''} ${row.file.path}`;
    case 'note':
      return `note ${row.note.id}`;
  }
}

const cache: Record<DiffLayout, WeakMap<FileOutline, number[]>> = {
  unified: new WeakMap(),
  split: new WeakMap(),
};

/** At which of its file's rows each hunk's head stands, and behind them where the rows end. */
function startsOf(file: FileOutline, layout: DiffLayout): number[] {
  const known = cache[layout].get(file);
  if (known) return known;
  let at = 1;
  const starts = file.hunks.map((hunk) => {
    const start = at;
    at += 1 + rowsOfHunk(hunk, layout);
    return start;
  });
  starts.push(at);
  cache[layout].set(file, starts);
  return starts;
}

function lengthOfFile(file: FileOutline, layout: DiffLayout): number {
  return file.hunks.length === 0 ? 2 : (startsOf(file, layout).at(-1) ?? 0);
}

function rowsOfHunk(hunk: HunkOutline, layout: DiffLayout): number {
  return layout === 'unified' ? lengthOf(hunk) : hunk.above + besides(hunk) + hunk.below;
}

/** How many rows removed lines take beside the added ones that follow them. */
function besides({ removed, added }: HunkOutline): number {
  return Math.max(removed, added);
}

type Pair = Pick<LineRow, 'old' | 'new'>;

/** What stands in a row of a hunk. */
function pairOf(hunk: HunkOutline, row: number, layout: DiffLayout): Pair {
  const { above, removed, added } = hunk;
  if (layout === 'unified' || row < above) return { old: row, new: row };
  const at = row - above;
  const below = at - besides(hunk);
  if (below >= 0) {
    const line = above + removed + added + below;
    return { old: line, new: line };
  }
  return { old: at < removed ? row : null, new: at < added ? row + removed : null };
}

/** In which row of its hunk a line stands. */
function rowOfLine(hunk: HunkOutline, line: number, layout: DiffLayout): number {
  const { above, removed, added } = hunk;
  if (layout === 'unified' || line < above + removed) return line;
  return line < above + removed + added ? line - removed : line - removed - added + besides(hunk);
}

/** The last entry of which something holds that holds of none behind one of which it does not; -1 when of none. */
function last<T>(entries: T[], holds: (entry: T) => boolean): number {
  let [from, to] = [0, entries.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (holds(entries[middle] as T)) from = middle + 1;
    else to = middle;
  }
  return from - 1;
}

/**
 * A review as the rows of one long list. How many there are, and which stands where, follows from the outline: a row is
 * made when it is shown.
 */

import type { DiffLayout } from '../protocol/DiffLayout';
import type { FileOutline } from '../protocol/FileOutline';
import type { HunkOutline } from '../protocol/HunkOutline';
import { lengthOf } from './hunk';
import { BARE, gapAt, type FileView, type Gap } from './view';

/** What the user put under a line. */
export interface Note {
  id: string;
  path: string;
  hunk: number;
  /** The line that it stands under, as an index into the hunk's lines. */
  at: number;
}

export type Row =
  FileRow | BodyRow | InsetRow | GapRow | AroundRow | HunkRow | FoldRow | EditorRow | LineRow | NoteRow;

/** The rows that whoever uses the list draws. */
export type OuterRow = Exclude<Row, LineRow | AroundRow>;

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

/** What stands between the head of a file and its hunks. */
interface InsetRow extends OfFile {
  type: 'inset';
}

/** Lines between hunks that are not shown. */
export interface GapRow extends OfFile {
  type: 'gap';
  gap: Gap;
}

/** A line of the proposed text that is no hunk's, by its numbers. */
export interface AroundRow extends OfFile {
  type: 'around';
  old: number;
  new: number;
}

interface HunkRow extends OfFile {
  type: 'hunk';
  hunk: HunkOutline;
}

/** What stands in the place of a hunk's lines. */
interface FoldRow extends OfFile {
  type: 'fold';
  hunk: HunkOutline;
}

/** What stands in the place of the lines that a hunk adds. */
interface EditorRow extends OfFile {
  type: 'editor';
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
  view: FileView;
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
    viewOf: (file: FileOutline) => FileView = () => BARE,
  ) {
    this.#layout = layout;
    let start = 0;
    for (const file of files) {
      const block: Block = { file, view: viewOf(file), start, length: 0, folded: folded(file), notes: [] };
      if (!block.folded && notes.length > 0) block.notes = this.#notesIn(block, notes);
      block.length = (block.folded ? 2 : partsOf(file, layout, block.view).length) + block.notes.length;
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
    if (block.folded) return { type: 'body', file };
    return rowOf(file, partsOf(file, this.#layout, block.view), at, this.#layout);
  }

  /** Where the head of a file stands, or of a hunk, or a line of it; -1 when it is not shown. */
  indexOf(path: string, hunk?: number, line?: number): number {
    const block = this.#byPath.get(path);
    if (!block) return -1;
    if (hunk === undefined) return block.start;
    const at = block.folded ? null : this.#placeOf(block, hunk, line);
    if (at === null) return -1;
    return block.start + at + block.notes.filter(({ before }) => before <= at).length;
  }

  /** Where the editor of a hunk stands; -1 when there is none. */
  editor(): number {
    for (const block of this.#blocks) {
      if (block.view.edited === null || block.folded) continue;
      const part = partsOf(block.file, this.#layout, block.view).all.find(({ type }) => type === 'editor');
      if (part)
        return block.start + part.start + block.notes.filter(({ before }) => before <= part.start).length;
    }
    return -1;
  }

  /** Where notes stand. */
  notes(): number[] {
    return this.#blocks.flatMap(({ start, notes }) => notes.map(({ before }, nth) => start + before + nth));
  }

  #notesIn(block: Block, notes: Note[]): Block['notes'] {
    return notes
      .flatMap((note) => {
        const at = note.path === block.file.path ? this.#placeOf(block, note.hunk, note.at) : null;
        return at === null ? [] : [{ note, before: at + 1 }];
      })
      .sort((a, b) => a.before - b.before);
  }

  /** Where something stands among the rows of its file, notes left out. */
  #placeOf({ file, view }: Block, number: number, line?: number): number | null {
    const hunk = file.hunks.find(({ hunk }) => hunk === number);
    if (!hunk || (line !== undefined && (line < 0 || line >= lengthOf(hunk)))) return null;
    const parts = partsOf(file, this.#layout, view).all.filter((part) => part.hunk === hunk);
    if (line === undefined) return parts.find(({ type }) => type === 'head')?.start ?? null;
    const edited = view.edited === hunk.id;
    if (edited && line >= hunk.above + hunk.removed && line < hunk.above + hunk.removed + hunk.added)
      return null;
    const row = rowOfLine(hunk, line, this.#layout);
    const part = parts.find(
      ({ type, first, length }) => type === 'lines' && row >= first && row < first + length,
    );
    return part ? part.start + row - part.first : null;
  }
}

/** Names a row among all; it keeps its name while the rows around it change. */
export function keyOf(row: Row): string {
  switch (row.type) {
    case 'file':
    case 'body':
    case 'inset':
      return `${row.type} ${row.file.path}`;
    case 'gap':
      return `gap ${row.gap.after?.hunk ?? 0} ${row.file.path}`;
    case 'around':
      return `around ${row.new} ${row.file.path}`;
    case 'hunk':
    case 'fold':
      return `${row.type} ${row.hunk.hunk} ${row.file.path}`;
    case 'editor':
      return `editor ${row.hunk.id} ${row.file.path}`;
    case 'line':
      return `line ${row.hunk.hunk}:${row.old ?? ''}:${row.new ?? ''} ${row.file.path}`;
    case 'note':
      return `note ${row.note.id}`;
  }
}

/** Rows of a file that stand together. */
interface Part {
  type: 'inset' | 'body' | 'gap' | 'around' | 'head' | 'fold' | 'lines' | 'editor';
  /** The row of the file that it begins at, and how many rows it has. */
  start: number;
  length: number;
  /** The first of its lines: of the proposed text, or a row of the hunk's. */
  first: number;
  hunk: HunkOutline | null;
  gap: Gap | null;
}

interface Parts {
  view: FileView;
  all: Part[];
  /** The rows of the file, its head among them. */
  length: number;
}

const cache: Record<DiffLayout, WeakMap<FileOutline, Parts>> = {
  unified: new WeakMap(),
  split: new WeakMap(),
};

/** Of what the rows below a file's head are made. */
function partsOf(file: FileOutline, layout: DiffLayout, view: FileView): Parts {
  const known = cache[layout].get(file);
  if (known?.view === view) return known;
  const all: Part[] = [];
  let start = 1;
  const put = (
    type: Part['type'],
    length: number,
    first = 0,
    hunk: HunkOutline | null = null,
    gap: Gap | null = null,
  ) => {
    if (length > 0) all.push({ type, start, length, first, hunk, gap });
    start += length;
  };
  if (view.inset) put('inset', 1);
  const { hunks } = file;
  if (hunks.length === 0) put('body', 1);
  for (const [at, hunk] of hunks.entries()) {
    const gap = gapAt(hunks, at, file.lines ?? 0, view);
    put('around', gap.top, gap.first, null, gap);
    if (gap.top + gap.bottom < gap.length) put('gap', 1, 0, null, gap);
    put('head', 1, 0, hunk);
    if (view.folded.has(hunk.id)) {
      put('fold', 1, 0, hunk);
      continue;
    }
    put('around', gap.bottom, gap.first + gap.length - gap.bottom, null, gap);
    if (view.edited === hunk.id) {
      put('lines', hunk.above + hunk.removed, 0, hunk);
      put('editor', 1, 0, hunk);
      put('lines', hunk.below, rowsOfHunk(hunk, layout) - hunk.below, hunk);
    } else put('lines', rowsOfHunk(hunk, layout), 0, hunk);
  }
  if (hunks.length > 0) {
    const gap = gapAt(hunks, hunks.length, file.lines ?? 0, view);
    put('around', gap.top, gap.first, null, gap);
    if (gap.top < gap.length) put('gap', 1, 0, null, gap);
  }
  const parts = { view, all, length: start };
  cache[layout].set(file, parts);
  return parts;
}

function rowOf(file: FileOutline, { all, view }: Parts, at: number, layout: DiffLayout): Row {
  const part = all[last(all, ({ start }) => start <= at)];
  if (!part) return { type: 'body', file };
  const { type, hunk, gap } = part;
  const nth = part.first + at - part.start;
  if (type === 'around' && gap) return { type, file, old: nth + gap.shift, new: nth };
  if (type === 'gap' && gap) return { type, file, gap };
  if (type === 'inset' || !hunk) return { type: type === 'inset' ? type : 'body', file };
  if (type === 'head') return { type: 'hunk', file, hunk };
  if (type === 'fold' || type === 'editor') return { type, file, hunk };
  const pair = pairOf(hunk, nth, layout);
  // What is being edited does not stand beside what it replaces.
  const alone =
    view.edited === hunk.id && layout === 'split' && nth >= hunk.above && nth < hunk.above + hunk.removed;
  return { type: 'line', file, hunk, ...(alone ? { old: nth, new: null } : pair) };
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

/** A review as the rows of one long list: what the virtual scroller shows, one entry a row. */

import type { DiffLayout } from '../protocol/DiffLayout';
import type { Hunk } from '../protocol/Hunk';
import type { ReviewFile } from '../protocol/ReviewFile';

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
  file: ReviewFile;
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
  hunk: Hunk;
}

/** A line, as indices into the hunk's lines: the same one twice unless old and new stand side by side. */
export interface LineRow extends OfFile {
  type: 'line';
  hunk: Hunk;
  old: number | null;
  new: number | null;
}

interface NoteRow extends OfFile {
  type: 'note';
  note: Note;
}

const cache: Record<DiffLayout, WeakMap<ReviewFile, Row[]>> = {
  unified: new WeakMap(),
  split: new WeakMap(),
};

/** The rows of a review. A folded file has a body in the place of its hunks. */
export function rowsOf(
  files: ReviewFile[],
  layout: DiffLayout,
  folded: (file: ReviewFile) => boolean,
  notes: Note[],
): Row[] {
  const rows: Row[] = [];
  for (const file of files) {
    if (folded(file)) {
      rows.push({ type: 'file', file }, { type: 'body', file });
      continue;
    }
    const here = notes.filter(({ path }) => path === file.path);
    for (const row of rowsOfFile(file, layout)) {
      rows.push(row);
      if (here.length === 0 || row.type !== 'line') continue;
      for (const note of here) {
        if (note.hunk !== row.hunk.hunk || (note.at !== row.old && note.at !== row.new)) continue;
        rows.push({ type: 'note', file, note });
      }
    }
  }
  return rows;
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

function rowsOfFile(file: ReviewFile, layout: DiffLayout): Row[] {
  const known = cache[layout].get(file);
  if (known) return known;
  const rows: Row[] = [{ type: 'file', file }];
  for (const hunk of file.hunks) {
    rows.push({ type: 'hunk', file, hunk });
    for (const pair of layout === 'split' ? pairs(hunk) : hunk.lines.map((_, at) => ({ old: at, new: at })))
      rows.push({ type: 'line', file, hunk, ...pair });
  }
  if (file.hunks.length === 0) rows.push({ type: 'body', file });
  cache[layout].set(file, rows);
  return rows;
}

type Pair = Pick<LineRow, 'old' | 'new'>;

/** Lines side by side: removed lines beside the added ones that follow them. */
function pairs(hunk: Hunk): Pair[] {
  const result: Pair[] = [];
  let removed: number[] = [];
  let added: number[] = [];
  const flush = () => {
    for (let at = 0; at < Math.max(removed.length, added.length); at += 1)
      result.push({ old: removed[at] ?? null, new: added[at] ?? null });
    removed = [];
    added = [];
  };
  for (const [at, { kind }] of hunk.lines.entries()) {
    if (kind === 'added') {
      added.push(at);
    } else {
      if (kind === 'context' || added.length > 0) flush();
      if (kind === 'context') result.push({ old: at, new: at });
      else removed.push(at);
    }
  }
  flush();
  return result;
}

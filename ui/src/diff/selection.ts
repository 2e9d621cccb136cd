/** Which lines of a hunk are selected. */

import type { HunkOutline } from '../protocol/HunkOutline';
import { kindOf } from './hunk';
import type { LineRow, Rows } from './rows';

/** Lines of one hunk. */
export interface Selection {
  path: string;
  hunk: number;
  /** Indices into the hunk's lines, ascending. */
  lines: number[];
}

/** Old and new stand side by side in the split layout; in the other there is only one column. */
export type Side = 'old' | 'new' | 'both';

/** Where a selection begins or ends: a row of the list, and the column. */
export interface End {
  row: number;
  side: Side;
}

/** The lines from one end to the other. A selection stays in the hunk that it began in. */
export function between(rows: Rows, from: End, to: End): Selection | null {
  const first = rows.at(from.row);
  if (first?.type !== 'line') return null;
  const down = to.row >= from.row;
  const chosen = new Set<number>();
  for (let at = from.row; down ? at <= to.row : at >= to.row; at += down ? 1 : -1) {
    const row = rows.at(at);
    if (row?.type === 'note') continue;
    if (row?.type !== 'line' || row.hunk !== first.hunk || row.file !== first.file) break;
    for (const line of linesOf(row, from.side === to.side ? from.side : 'both')) chosen.add(line);
  }
  const lines = [...chosen].sort((a, b) => a - b);
  return { path: first.file.path, hunk: first.hunk.hunk, lines };
}

/** The row to which a selection grows by one step; the same one at the hunk's edge. */
export function step(rows: Rows, end: End, by: 1 | -1): End {
  const from = rows.at(end.row);
  for (let at = end.row + by; from?.type === 'line'; at += by) {
    const row = rows.at(at);
    if (row?.type === 'note') continue;
    if (row?.type !== 'line' || row.hunk !== from.hunk) break;
    if (linesOf(row, end.side).length > 0) return { row: at, side: end.side };
  }
  return end;
}

/** The lines of a selection that a decision is about. */
export function changed(hunk: HunkOutline, lines: number[]): number[] {
  return lines.filter((at) => kindOf(hunk, at) !== 'context');
}

function linesOf(row: LineRow, side: Side): number[] {
  const lines = side === 'old' ? [row.old] : side === 'new' ? [row.new] : [row.old, row.new];
  return lines.filter((line) => line !== null);
}

/** What of a file is shown beside its hunks' own lines, or in their place. */

import type { HunkOutline } from '../protocol/HunkOutline';
import { lengthOf } from './hunk';

/** A view never changes: another one is another object. */
export interface FileView {
  /** Whether lines around the hunks can be shown. */
  around: boolean;
  /** Whether all of them are. */
  whole: boolean;
  /** How many lines are shown above a hunk's own, and below them, by the hunk's id. */
  above: Readonly<Record<number, number>>;
  below: Readonly<Record<number, number>>;
  /** Hunks whose lines are folded to one row, by their ids. */
  folded: ReadonlySet<number>;
  /** The hunk whose added lines are being edited. */
  edited: number | null;
  /** Whether something stands between the head of the file and its hunks. */
  inset: boolean;
}

export const BARE: FileView = {
  around: false,
  whole: false,
  above: {},
  below: {},
  folded: new Set(),
  edited: null,
  inset: false,
};

/** Lines of the proposed text between two hunks, or at either end of the file. */
export interface Gap {
  /** The hunks that it lies between; none at an end. */
  after: HunkOutline | null;
  before: HunkOutline | null;
  /** The number as proposed of its first line, and how many there are. */
  first: number;
  length: number;
  /** What is to be added to a number as proposed for the number before. */
  shift: number;
  /** How many of them are shown: below the hunk above, and above the hunk below. */
  top: number;
  bottom: number;
}

/** The gap above the hunk of this index; of as many as there are hunks, the one below the last. */
export function gapAt(hunks: HunkOutline[], at: number, lines: number, view: FileView): Gap {
  const after = hunks[at - 1] ?? null;
  const before = hunks[at] ?? null;
  const first = after ? endOf(after).now : 1;
  const shift = after ? endOf(after).old - first : 0;
  const length = view.around && lines > 0 ? Math.max(0, (before ? before.new : lines + 1) - first) : 0;
  // Lines around are shown where the lines are that they stand around.
  const hidden = (hunk: HunkOutline | null) => hunk === null || view.folded.has(hunk.id);
  const wanted = (hunk: HunkOutline | null, side: FileView['above']) =>
    hidden(hunk) ? 0 : Math.min((hunk && side[hunk.id]) ?? 0, length);
  if (view.whole) {
    const top = hidden(after) ? 0 : length;
    return { after, before, first, length, shift, top, bottom: hidden(before) ? 0 : length - top };
  }
  const top = wanted(after, view.below);
  return {
    after,
    before,
    first,
    length,
    shift,
    top,
    bottom: Math.min(wanted(before, view.above), length - top),
  };
}

/** The numbers of the first lines behind a hunk's own. */
function endOf(hunk: HunkOutline): { old: number; now: number } {
  const { above, removed, below } = hunk;
  return { old: hunk.old + above + removed + below, now: hunk.new + lengthOf(hunk) - removed };
}

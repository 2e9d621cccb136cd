/**
 * What follows from a hunk's outline: its lines are context, then what is removed, what is added, and context again, so
 * each one's kind and numbers are known before its text is.
 */

import type { HunkLine } from '../protocol/HunkLine';
import type { HunkOutline } from '../protocol/HunkOutline';
import type { LineKind } from '../protocol/LineKind';

export function lengthOf({ above, removed, added, below }: HunkOutline): number {
  return above + removed + added + below;
}

export function kindOf({ above, removed, added }: HunkOutline, at: number): LineKind {
  if (at < above || at >= above + removed + added) return 'context';
  return at < above + removed ? 'removed' : 'added';
}

/** A line without its text. */
export function blankLine(hunk: HunkOutline, at: number): HunkLine {
  const kind = kindOf(hunk, at);
  return {
    kind,
    old: kind === 'added' ? null : hunk.old + at - addedBefore(hunk, at),
    new: kind === 'removed' ? null : hunk.new + at - removedBefore(hunk, at),
    text: '',
  };
}

/** Which line of a hunk has a number in the text as proposed; null when none has. */
export function lineOfNew(hunk: HunkOutline, number: number): number | null {
  const above = number - hunk.new;
  if (above < 0) return null;
  const at = above < hunk.above ? above : above + hunk.removed;
  return at < lengthOf(hunk) ? at : null;
}

/** The number as proposed of the first line that is added; else where the hunk begins. */
export function firstAdded(hunk: HunkOutline): number {
  return hunk.added > 0 ? hunk.new + hunk.above : hunk.new;
}

/** The highest number of a line. */
export function lastNumber({ old, new: now, above, removed, added, below }: HunkOutline): number {
  return above + below + Math.max(old + removed, now + added) - 1;
}

/** The lines that are removed or added. */
export function changedLines({ above, removed, added }: HunkOutline): number[] {
  return Array.from({ length: removed + added }, (_, at) => above + at);
}

/** Whether the lines of a hunk are those of another: it is the same hunk with as much around it. */
export function sameLines(one: HunkOutline, other: HunkOutline): boolean {
  return (
    one.id === other.id &&
    one.above === other.above &&
    one.removed === other.removed &&
    one.added === other.added &&
    one.below === other.below
  );
}

function removedBefore({ above, removed }: HunkOutline, at: number): number {
  return Math.min(Math.max(at - above, 0), removed);
}

function addedBefore({ above, removed, added }: HunkOutline, at: number): number {
  return Math.min(Math.max(at - above - removed, 0), added);
}

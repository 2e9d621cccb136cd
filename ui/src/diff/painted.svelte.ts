/** The painted lines of hunks that are on screen. A hunk is painted once, in stretches, when it is first shown. */

import type { Hunk } from '../protocol/Hunk';
import { loadPainter, plain, type Painter, type Part } from './paint';

/** So many lines are painted at once: a stretch takes a few milliseconds, and most hunks are one. */
const STRETCH = 400;

let painter: Painter | null = $state.raw(null);
let loading: Promise<unknown> | undefined;
const done = new WeakMap<Hunk, Map<number, Part[][]>>();

/** The parts of a line. Without colours until the library is there. */
export function partsOfLine(path: string, hunk: Hunk, at: number): Part[] {
  const start = at - (at % STRETCH);
  if (!painter) {
    loading ??= loadPainter().then(
      (loaded) => (painter = loaded),
      // A diff without colours is still a diff.
      () => (painter = (_, lines) => plain(lines)),
    );
    return plain(hunk.lines.slice(at, at + 1))[0] ?? [];
  }
  const stretches = done.get(hunk) ?? new Map<number, Part[][]>();
  done.set(hunk, stretches);
  let parts = stretches.get(start);
  if (!parts) {
    const lines = hunk.lines.slice(start, start + STRETCH);
    try {
      parts = painter(path, lines);
    } catch {
      // Code that the library cannot read is shown without colours.
      parts = plain(lines);
    }
    stretches.set(start, parts);
  }
  return parts[at - start] ?? [];
}

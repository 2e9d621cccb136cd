/** The painted lines of hunks that are on screen: lines that are read together are painted once, when they are shown. */

import type { HunkLine } from '../protocol/HunkLine';
import { loadPainter, plain, type Painter, type Part } from './paint';

/** A line among those that stand together with it. */
export interface Read {
  lines: HunkLine[];
  at: number;
}

let painter: Painter | null = $state.raw(null);
let loading: Promise<unknown> | undefined;
const done = new WeakMap<HunkLine[], Part[][]>();

/** The parts of a line. Without colours until the library is there. */
export function partsOfLine(path: string, { lines, at }: Read): Part[] {
  if (!painter) {
    loading ??= loadPainter().then(
      (loaded) => (painter = loaded),
      // A diff without colours is still a diff.
      () => (painter = (_, lines) => plain(lines)),
    );
    return plain(lines.slice(at, at + 1))[0] ?? [];
  }
  let parts = done.get(lines);
  if (!parts) {
    try {
      parts = painter(path, lines);
    } catch {
      // Code that the library cannot read is shown without colours.
      parts = plain(lines);
    }
    done.set(lines, parts);
  }
  return parts[at] ?? [];
}

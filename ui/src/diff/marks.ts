/** Marks over the parts of a line: what a search found stands out as what changed does. */

import type { Part } from './paint';

/** The parts, cut where a mark begins or ends. Marks are from and to, in order, in UTF-16 units of the whole line. */
export function withMarks(parts: Part[], marks: readonly (readonly [number, number])[]): Part[] {
  if (marks.length === 0) return parts;
  const result: Part[] = [];
  let start = 0;
  for (const part of parts) {
    const { length } = part.text;
    const put = (from: number, to: number, word: boolean) => {
      if (to > from) result.push({ ...part, text: part.text.slice(from, to), word });
    };
    let at = 0;
    for (const [from, to] of marks) {
      const begin = Math.max(from - start, at);
      const end = Math.min(to - start, length);
      if (end <= begin) continue;
      put(at, begin, part.word);
      put(begin, end, true);
      at = end;
    }
    put(at, length, part.word);
    start += length;
  }
  return result;
}

/** A text that is one line, with its marks. A line end in it, as in a name, is shown as a sign of the same length. */
export function markedLine(text: string, marks: readonly (readonly [number, number])[]): Part[] {
  return withMarks([{ text: text.replaceAll('\n', '␊'), word: false }], marks);
}

/** A line of code without the white space that it begins with, and its marks moved along. */
export function markedCode(text: string, marks: readonly (readonly [number, number])[]): Part[] {
  const indent = text.length - text.trimStart().length;
  return markedLine(
    text.slice(indent),
    marks.map(([from, to]) => [Math.max(from - indent, 0), Math.max(to - indent, 0)] as const),
  );
}

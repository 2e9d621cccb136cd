/** A long plain text in pieces of about a line to a screen, so that only what is seen of it is mounted. */

/** A piece takes whole lines up to this length; a longer line is cut. */
const LONG = 2000;

/** A place in the text, at or before `at`, that is not in the middle of a character. */
function between(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text[at] ?? '') ? at - 1 : at;
}

/** The first part of a text, up to a line end that is near or to a character. */
export function startOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const line = text.lastIndexOf('\n', length);
  return text.slice(0, line > length / 2 ? line : between(text, length));
}

/** The last part of a text, from the begin of a line that is near or from a character. */
export function endOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const from = text.length - length;
  const line = text.indexOf('\n', from) + 1;
  return text.slice(line > 0 && line < from + length / 2 ? line : between(text, from));
}

/** A line in parts of bounded length; one part when it is not long. */
export function cutLine(line: string): string[] {
  const parts: string[] = [];
  let at = 0;
  do {
    const to = line.length - at <= LONG ? line.length : between(line, at + LONG);
    parts.push(line.slice(at, to));
    at = to;
  } while (at < line.length);
  return parts;
}

/** The text as pieces, each shown as a block of its own: the line end between two of them is left out. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const most = Math.min(at + LONG, text.length);
    const line = most === text.length ? most : text.lastIndexOf('\n', most);
    const to = line > at ? line : between(text, most);
    pieces.push(text.slice(at, to));
    at = text[to] === '\n' ? to + 1 : to;
  }
  return pieces;
}

/**
 * Characters that hide or mislead: control and bidirectional characters, those without width, and letters of one
 * script among those of another. A reader must see that they are there before anything with them is accepted.
 */

import { visible } from '../components/visible';

const PICTURE = /\p{Extended_Pictographic}/u;
const WORD = /[\p{L}\p{M}\p{N}_]+/gu;
const LATIN = /\p{Script=Latin}/u;
/** Scripts whose letters are drawn like Latin ones. */
const ALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;

export interface Piece {
  text: string;
  /** Whether `text` is the mark of a character that would not be seen, or would be taken for another. */
  mark: boolean;
}

/** How a character is named where it cannot be shown. */
function named(char: string): string {
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `‹U+${code}›`;
}

/** Whether a text is what it looks like. Most texts are ASCII, and need one look. */
export function isPlain(text: string): boolean {
  if (/^[\t\x20-\x7e]*$/.test(text)) return true;
  return !pieces(text).some(({ mark }) => mark);
}

/**
 * A text in pieces, with a mark after each misleading letter and in the place of each hidden character. A letter is
 * judged by the word that it stands in: a text that is a part of a line comes with the line, and where it begins there.
 */
export function pieces(text: string, line = text, start = 0): Piece[] {
  const alike = lookAlikes(line);
  const result: Piece[] = [];
  let plain = '';
  let at = start;
  let before = '';
  const mark = (text: string) => {
    if (plain) result.push({ text: plain, mark: false });
    plain = '';
    result.push({ text, mark: true });
  };
  for (const char of text) {
    if (visible(char) !== char && !joinsPictures(char, before)) {
      mark(named(char));
    } else {
      plain += char;
      if (alike.has(at)) mark(named(char));
    }
    at += char.length;
    before = char;
  }
  if (plain) result.push({ text: plain, mark: false });
  return result;
}

/** A text on one line in which nothing is hidden: for paths and names. */
export function shown(text: string): string {
  return visible(text.replace(/[\t\n]/g, (char) => named(char)));
}

/** Emoji are joined by characters that have no width, and are seen as what they are. */
function joinsPictures(char: string, before: string): boolean {
  return char === '\u200d' && (PICTURE.test(before) || before === '\ufe0f');
}

/** Where letters of another script stand in words that have Latin letters too. */
function lookAlikes(text: string): Set<number> {
  const found = new Set<number>();
  if (!ALIKE.test(text)) return found;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!LATIN.test(word) || !ALIKE.test(word)) continue;
    let at = index;
    for (const char of word) {
      if (ALIKE.test(char)) found.add(at);
      at += char.length;
    }
  }
  return found;
}

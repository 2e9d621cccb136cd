/**
 * Characters that hide or mislead: control and bidirectional characters, those without width, and letters of one
 * script that look like Latin ones among them. The engine knows the same (`crates/review/src/disguise.rs`). A reader must see that they are there before anything with them is accepted.
 */

import { ALIKE as ALIKE_CLASS, HIDDEN as HIDDEN_CLASS } from './disguise';

const HIDDEN = new RegExp(HIDDEN_CLASS, 'gu');

const PICTURE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}]/u;
const WORD = /[\p{L}\p{M}\p{N}_]+/gu;
const LATIN = /\p{Script=Latin}/u;
const ALIKE = new RegExp(ALIKE_CLASS, 'u');

/** The text with each hidden character as its number, `‹U+202E›`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (char, at: number) =>
    joinsPictures(char, before(text, at)) ? char : named(char),
  );
}

/** The text with each character that is not ASCII as its number: two words that look alike are told apart by it. */
export function spelled(text: string): string {
  return text.replace(/[^ -~]/gu, named);
}

/** The text on one line, with each hidden character as its number. */
export function visibleLine(text: string): string {
  return visible(text.replace(/\s+/g, ' '));
}

/** The same of a path or a name, on one line, in which white space tells too. */
export function visibleName(text: string): string {
  return visible(text.replace(/[\t\n]/g, named));
}

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
  let last = '';
  const mark = (text: string) => {
    if (plain) result.push({ text: plain, mark: false });
    plain = '';
    result.push({ text, mark: true });
  };
  for (const char of text) {
    if (visible(char) !== char && !joinsPictures(char, last)) {
      mark(named(char));
    } else {
      plain += char;
      if (alike.has(at)) mark(named(char));
    }
    at += char.length;
    last = char;
  }
  if (plain) result.push({ text: plain, mark: false });
  return result;
}

/** The character before a place in a text. */
function before(text: string, at: number): string {
  return Array.from(text.slice(Math.max(0, at - 2), at)).at(-1) ?? '';
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

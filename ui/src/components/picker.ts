/** What a picker lists, and how what was typed chooses among it. */

import type { Part } from '../diff/paint';

export interface PickerItem {
  /** Unique in its list. */
  id: string;
  group: string;
  title: string;
  /** The title as it is shown, when parts of it are marked. */
  parts?: Part[];
  detail?: string;
  keys?: string;
  /** Whether the title is a path or a name in code. */
  code?: boolean;
  /** Whether it leads on rather than being one of what was sought. */
  quiet?: boolean;
}

/** How well a text answers to letters in their order: higher is better, null not at all. */
export function matched(text: string, query: string): number | null {
  const hay = text.toLowerCase();
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  let score = 0;
  for (const word of words) {
    const found = scoreOf(hay, word);
    if (found === null) return null;
    score += found;
  }
  return score - hay.length / 1000;
}

/** Where a text has the words, from and to, in order. */
export function marksOf(text: string, query: string): [number, number][] {
  const hay = text.toLowerCase();
  // Where lower case is longer or shorter, places in it are not places in the text.
  if (hay.length !== text.length) return [];
  const marks = query
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .map((word): [number, number] => [hay.indexOf(word), hay.indexOf(word) + word.length]);
  return marks.filter(([from]) => from >= 0).sort(([a], [b]) => a - b);
}

function scoreOf(hay: string, word: string): number | null {
  const whole = hay.indexOf(word);
  if (whole >= 0) return whole === 0 ? 100 : /\w/.test(hay.charAt(whole - 1)) ? 60 : 80;
  let at = -1;
  let begins = 0;
  for (const letter of word) {
    at = hay.indexOf(letter, at + 1);
    if (at < 0) return null;
    if (at === 0 || !/\w/.test(hay.charAt(at - 1))) begins += 1;
  }
  // Letters strewn over a text are no answer unless most of them begin words.
  return begins * 2 >= word.length ? 10 + begins : null;
}

/** The words of the search view. */

import { counted } from '../../components/format';
import type { SearchAnswer } from '../../protocol/SearchAnswer';
import type { SearchMode } from '../../protocol/SearchMode';

interface Mode {
  value: SearchMode;
  title: string;
  keys: string;
  /** What can be typed. */
  placeholder: string;
  /** What it finds, in a sentence. */
  words: string;
  examples: string[];
}

export const MODES: Mode[] = [
  {
    value: 'words',
    title: 'Words',
    keys: 'Alt+W',
    placeholder: 'Words of the code, best first',
    words: 'Lines with these words, best first. Quotes keep words together; path: and lang: narrow.',
    examples: ['round refund', '"minor units"', 'path:src round', 'lang:rust refund'],
  },
  {
    value: 'exact',
    title: 'Exact',
    keys: 'Alt+E',
    placeholder: 'Text as it stands in the files',
    words: 'Every place where this text stands, sign for sign.',
    examples: ['div_ceil(', 'deprecated:'],
  },
  {
    value: 'regex',
    title: 'Regular expression',
    keys: 'Alt+R',
    placeholder: 'A regular expression in Rust’s syntax',
    words: 'Every match of a regular expression in Rust’s syntax.',
    examples: ['fn \\w+_even', 'warn|error', '\\.unwrap\\(\\)$'],
  },
  {
    value: 'symbol',
    title: 'Symbols',
    keys: 'Alt+S',
    placeholder: 'The name of a function, a type, a constant',
    words: 'Definitions by name. A name before :: says where it is defined.',
    examples: ['split', 'Money::split'],
  },
  {
    value: 'path',
    title: 'Files',
    keys: 'Alt+F',
    placeholder: 'Letters of a path, or a glob',
    words: 'Files by letters of their path in their order, or by a glob.',
    examples: ['srcmon', '**/*.rs'],
  },
];

/** `318 hits in 41 files`; of more than is shown, how many are. */
export function countWords({ hits, total, files, more }: SearchAnswer, mode: SearchMode): string {
  const what = mode === 'path' ? 'file' : mode === 'symbol' ? 'definition' : 'hit';
  const all = Math.max(total, hits.length);
  const count = more
    ? `the first ${hits.length.toLocaleString()} of ${all > hits.length ? counted(all, what) : `more ${what}s`}`
    : counted(all, what);
  return mode === 'path' ? count : `${count} in ${counted(files, 'file')}`;
}

/** How long it took. */
export function timeWords(micros: number): string {
  if (micros < 1000) return 'under 1 ms';
  if (micros < 999_500) return `${Math.round(micros / 1000)} ms`;
  return `${(micros / 1_000_000).toFixed(1)} s`;
}

/** The character that a message about a query points at, from 1. */
export function columnOf(message: string): number | null {
  const found = /\bcolumn (\d+)\b/.exec(message)?.[1];
  return found === undefined ? null : Number(found);
}

/** A query around the character that is wrong. */
export function around(query: string, column: number): { before: string; at: string; after: string } {
  const SIDE = 40;
  const all = Array.from(query);
  const at = Math.min(Math.max(column - 1, 0), all.length);
  const from = Math.max(at - SIDE, 0);
  return {
    before: (from > 0 ? '…' : '') + all.slice(from, at).join(''),
    at: all[at] ?? '',
    after: all.slice(at + 1, at + 1 + SIDE).join('') + (at + 1 + SIDE < all.length ? '…' : ''),
  };
}

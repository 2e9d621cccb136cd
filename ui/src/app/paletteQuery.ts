/**
 * How the palette reads what is typed. A sign at the front narrows it to one kind, a line after a name opens the file
 * there: `>` and `name:41` as in most editors, `@` for symbols as in the composer, `/` for text as in pagers.
 */

export type Only = 'commands' | 'symbols' | 'text' | 'history';

export interface PaletteQuery {
  /** The one kind that is sought; null: everything. */
  only: Only | null;
  words: string;
  /** The line at which a file is opened. */
  line: number | null;
}

const SIGNS: Record<string, Only> = { '>': 'commands', '@': 'symbols', '/': 'text', '?': 'history' };

export const PREFIXES: { sign: string; words: string }[] = [
  { sign: '>', words: 'commands' },
  { sign: '@', words: 'symbols' },
  { sign: '/', words: 'text' },
  { sign: '?', words: 'history' },
];

export function readQuery(typed: string, folder: string | null): PaletteQuery {
  const text = typed.trim();
  // A path from a terminal is one of the folder's files, whatever it begins with.
  const own = folder !== null && text.startsWith(`${folder}/`);
  const rest = own ? text.slice(folder.length + 1) : text;
  const only = own ? null : (SIGNS[rest.charAt(0)] ?? null);
  if (only) return { only, words: rest.slice(1).trim(), line: null };
  const place = /^(.*?[^:]):(\d+)(?::\d+)?:?$/.exec(rest);
  if (!place) return { only: null, words: rest, line: null };
  return { only: null, words: place[1] ?? '', line: Math.max(1, Number(place[2])) };
}

/**
 * The code search of the backend in memory: it really searches the texts it is given, in each mode, so that a test sees
 * what was typed find what is there. Ranking, languages and the grammar of queries are as simple as tests need them.
 */

import type { HitKind } from '../protocol/HitKind';
import type { IndexStatus } from '../protocol/IndexStatus';
import type { Search } from '../protocol/Search';
import type { SearchAnswer } from '../protocol/SearchAnswer';
import type { SearchHit } from '../protocol/SearchHit';
import type { SkippedFile } from '../protocol/SkippedFile';
import { RequestError } from './backend';
import type { Handlers } from './fake';

export interface FakeFolder {
  /** Path and text. */
  files: Record<string, string>;
  /** What cannot be searched. */
  skipped?: SkippedFile[];
  /** Why no index is used. */
  scanned?: string;
  index?: Partial<IndexStatus>;
}

type Mark = [number, number];

const LANGUAGES: Record<string, string> = { rs: 'rust', ts: 'typescript', py: 'python', md: 'markdown' };
const DEFINITION =
  /^\s*(?:(?:pub|export|default|async|static)(?:\([^)]*\))?\s+)*(fn|struct|enum|trait|class|function|interface|def|const|type)\s+(\w+)/;
const KINDS: Record<string, string> = { fn: 'function', def: 'function' };

/** Answers search, index and lines over texts. */
export function overFiles({ files, skipped = [], scanned, index }: FakeFolder): Handlers {
  return {
    'search/run': (search) => {
      const hits = find(files, search);
      const shown = hits.slice(0, search.limit);
      return {
        hits: shown,
        total: hits.length,
        files: new Set(hits.map(({ path }) => path)).size,
        more: hits.length > shown.length,
        skipped,
        scanned: scanned ?? null,
        micros: 6200,
      } satisfies SearchAnswer;
    },
    'index/status': ({ folder }) => indexStatus({ folder, files: Object.keys(files).length, ...index }),
    'index/rebuild': () => ({}),
    'index/stop': () => ({}),
    'index/left_out': ({ limit }) => skipped.slice(0, limit),
    'project/read': ({ path, first_line, last_line }) => {
      const text = files[path];
      if (text === undefined) throw failed('not_found', `${path} is not in the folder`);
      const lines = text.split('\n');
      const last = Math.min(last_line, first_line + 499);
      return { first_line, lines: lines.slice(first_line - 1, last), total: lines.length };
    },
  };
}

/** How an index stands that is ready, but for what the test says. */
export function indexStatus(change: Partial<IndexStatus> = {}): IndexStatus {
  return {
    folder: '/projects/ledgerd',
    state: { type: 'ready' },
    files: 3214,
    bytes: 41_000_000,
    left_out: [],
    size: 9_400_000,
    changed_at: Date.now(),
    note: null,
    ...change,
  };
}

const failed = (code: 'usage' | 'not_found', message: string) =>
  new RequestError({ code, message, hint: '' });

function find(files: Record<string, string>, search: Search): SearchHit[] {
  const { mode, query, recent, within } = search;
  const { words, paths, languages } = filters(search);
  const wanted = Object.entries(files).filter(
    ([path]) =>
      (within.hidden || !/(^|\/)\./.test(path)) &&
      (paths.length === 0 || paths.some((part) => path.includes(part))) &&
      (languages.length === 0 || languages.includes(LANGUAGES[path.split('.').at(-1) ?? ''] ?? '')),
  );
  const first = (path: string) => (recent.includes(path) ? recent.indexOf(path) : recent.length);
  const best = (a: SearchHit, b: SearchHit) => b.score - a.score || first(a.path) - first(b.path);
  switch (mode) {
    case 'path':
      return wanted.flatMap(([path]) => named(path, query)).sort(best);
    case 'symbol':
      return wanted.flatMap(([path, text]) => defined(path, text, query)).sort(best);
    case 'exact':
      return wanted.flatMap(([path, text]) => lines(path, text, pattern(escaped(query), within.ignore_case)));
    case 'regex':
      return wanted.flatMap(([path, text]) => lines(path, text, expression(query, within.ignore_case)));
    case 'words': {
      if (words.length === 0) return [];
      const any = pattern(words.map(escaped).join('|'), true);
      return wanted
        .filter(([, text]) => words.every((word) => text.toLowerCase().includes(word.toLowerCase())))
        .flatMap(([path, text]) =>
          lines(path, text, any).map((hit) => ({ ...hit, score: new Set(hit.marks.map(String)).size })),
        )
        .sort(best);
    }
  }
}

/** The words of a query, and the filters that stand among them. */
function filters({ mode, query, within }: Search) {
  const { paths, languages } = { paths: [...within.paths], languages: [...within.languages] };
  const words: string[] = [];
  if (mode === 'words')
    for (const [token] of query.matchAll(/"[^"]*"?|\S+/g)) {
      if (token.startsWith('path:')) paths.push(token.slice(5));
      else if (token.startsWith('lang:')) languages.push(token.slice(5));
      else if (token.startsWith('"') && !token.slice(1).endsWith('"'))
        throw failed('usage', `the phrase at column ${query.indexOf(token) + 1} has no end`);
      else words.push(token.replaceAll('"', ''));
    }
  return { words, paths, languages };
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const pattern = (source: string, ignoreCase: boolean) => new RegExp(source, ignoreCase ? 'gi' : 'g');

function expression(query: string, ignoreCase: boolean): RegExp {
  try {
    return pattern(query, ignoreCase);
  } catch {
    const column = Math.max(query.lastIndexOf('('), query.lastIndexOf('['), 0) + 1;
    throw failed(
      'usage',
      `the pattern is not a valid regular expression at column ${column}: it is not closed`,
    );
  }
}

function hitOf(path: string, line: number, text: string, marks: Mark[], kind: HitKind): SearchHit {
  const column = (marks[0]?.[0] ?? 0) + 1;
  return {
    path,
    line,
    column,
    text,
    marks,
    score: 0,
    kind,
    symbol: null,
    symbol_kind: null,
    last_line: line,
  };
}

function lines(path: string, text: string, wanted: RegExp): SearchHit[] {
  let around: Definition | null = null;
  return text.split('\n').flatMap((line, at) => {
    around = definition(line) ?? around;
    const marks = [...line.matchAll(wanted)]
      .filter(([found]) => found !== '')
      .map(({ index, 0: found }): Mark => [index, index + found.length]);
    if (marks.length === 0) return [];
    return {
      ...hitOf(path, at + 1, line, marks, 'text' as const),
      symbol: around?.name ?? null,
      symbol_kind: around?.kind ?? null,
    };
  });
}

interface Definition {
  name: string;
  kind: string;
  at: number;
}

function definition(line: string): Definition | null {
  const found = DEFINITION.exec(line);
  if (!found) return null;
  const [, word = '', name = ''] = found;
  return { name, kind: KINDS[word] ?? word, at: line.indexOf(name, found[0].length - name.length) };
}

function defined(path: string, text: string, query: string): SearchHit[] {
  const wanted = (query.split('::').at(-1) ?? '').toLowerCase();
  return text.split('\n').flatMap((line, at) => {
    const found = definition(line);
    if (!found?.name.toLowerCase().includes(wanted)) return [];
    const from = found.at + found.name.toLowerCase().indexOf(wanted);
    return {
      ...hitOf(path, at + 1, line, [[from, from + wanted.length]], 'definition' as const),
      symbol: found.name,
      symbol_kind: found.kind,
      score: wanted.length / found.name.length,
    };
  });
}

/** Letters in their order, those of the name rather than those of the folder. */
function named(path: string, query: string): SearchHit[] {
  const marks: Mark[] = [];
  let at = path.length;
  for (const letter of [...query.replace(/\s+/g, '').toLowerCase()].reverse()) {
    at = path.toLowerCase().lastIndexOf(letter, at - 1);
    if (at < 0) return [];
    if (marks[0]?.[0] === at + 1) marks[0][0] = at;
    else marks.unshift([at, at + 1]);
    if (at === 0) at = -1;
  }
  return [{ ...hitOf(path, 1, path, marks, 'file'), column: 1, score: 1 / marks.length }];
}

/** The rows of the search view: files with their hits under them, or one row for each hit where files are what is sought. */

import type { SearchHit } from '../../protocol/SearchHit';
import type { SearchMode } from '../../protocol/SearchMode';

export type ResultRow =
  | { type: 'file'; key: string; path: string; count: number; folded: boolean }
  | { type: 'hit'; key: string; hit: SearchHit };

export function rowsOf(hits: SearchHit[], mode: SearchMode, folded: ReadonlySet<string>): ResultRow[] {
  const row = (hit: SearchHit, at: number): ResultRow => ({
    type: 'hit',
    key: `${at} ${hit.path}:${hit.line}`,
    hit,
  });
  if (!isGrouped(mode)) return hits.map(row);
  // A map keeps the order of the first hits: the file with the best hit comes first.
  const files = new Map<string, ResultRow[]>();
  hits.forEach((hit, at) => {
    const rows = files.get(hit.path) ?? [];
    rows.push(row(hit, at));
    files.set(hit.path, rows);
  });
  return [...files].flatMap(([path, rows]): ResultRow[] => {
    const hidden = folded.has(path);
    const head = { type: 'file', key: path, path, count: rows.length, folded: hidden } as const;
    return hidden ? [head] : [head, ...rows];
  });
}

/** Whether hits stand under their files. */
export function isGrouped(mode: SearchMode): boolean {
  return mode !== 'path' && mode !== 'symbol';
}

/** The name at the end of a path, and the folder before it. */
export function splitPath(path: string): { name: string; folder: string } {
  const at = path.lastIndexOf('/');
  return { name: path.slice(at + 1), folder: at < 0 ? '' : path.slice(0, at) };
}

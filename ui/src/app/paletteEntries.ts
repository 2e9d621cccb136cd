/** What the palette lists: entries of each kind, and the order of the kinds. */

import { matched, marksOf, type PickerItem } from '../components/picker';
import { visibleLine, visibleName } from '../components/visible';
import { markedCode, markedLine } from '../diff/marks';
import type { SearchAnswer } from '../protocol/SearchAnswer';
import type { SearchHit } from '../protocol/SearchHit';
import type { SearchMode } from '../protocol/SearchMode';
import type { SessionHit } from '../protocol/SessionHit';
import type { Kerf } from '../state/kerf.svelte';
import type { Actions } from './actions.svelte';
import { shownKeys } from './keymap';
import { marked } from './sidebarRows';

export interface Entry extends PickerItem {
  run: () => unknown;
  /** What the preview shows. */
  hit?: SearchHit;
  /** The name by which it answers to what was typed; none: it is never the best. */
  name?: string;
}

export function commandEntries(actions: Actions): Entry[] {
  return actions.listed
    .filter(({ id }) => id !== 'app.palette')
    .map((action): Entry => {
      const keys = actions.keysOf(action);
      return {
        id: action.id,
        group: 'Commands',
        title: action.title,
        name: action.title,
        keys: keys && shownKeys(keys),
        run: () => action.run(),
      };
    });
}

export function placeEntries(kerf: Kerf): Entry[] {
  const tasks = kerf.tasks.all.map((session): Entry => ({
    id: `task ${session.id}`,
    group: 'Tasks',
    title: visibleLine(session.title),
    name: session.title,
    detail: visibleLine(session.folder),
    run: () => kerf.openTask(session.id),
  }));
  const projects = kerf.projects.map((project): Entry => ({
    id: `project ${project.id}`,
    group: 'Projects',
    title: visibleLine(project.name),
    name: project.name,
    detail: visibleLine(project.path),
    run: () => kerf.openProject(project),
  }));
  return [...tasks, ...projects];
}

/** A file by its path alone: one that was opened lately. */
export function recentFile(kerf: Kerf, path: string): Entry {
  const hit: SearchHit = {
    path,
    line: 1,
    column: 1,
    text: path,
    marks: [],
    score: 0,
    kind: 'file',
    symbol: null,
    symbol_kind: null,
    last_line: 1,
  };
  return { ...fileEntry(kerf, hit, null), group: 'Recent files' };
}

/** A file: its name first, then where it is. The marks are of the whole path. */
export function fileEntry(kerf: Kerf, hit: SearchHit, line: number | null): Entry {
  const { path, text, marks } = hit;
  const at = path.lastIndexOf('/') + 1;
  const own = text === path;
  return {
    id: `file ${path}`,
    group: 'Files',
    title: visibleName(path.slice(at)),
    parts: markedLine(
      path.slice(at),
      own ? marks.map(([from, to]) => [Math.max(from - at, 0), Math.max(to - at, 0)] as const) : [],
    ),
    name: path.slice(at),
    detail: `${visibleName(path.slice(0, Math.max(at - 1, 0)))}${line === null ? '' : ` · line ${line}`}`,
    code: true,
    hit: { ...hit, line: line ?? 1, last_line: line ?? 1 },
    run: () => kerf.openFile(path, line ?? undefined),
  };
}

export function symbolEntry(kerf: Kerf, hit: SearchHit, words: string): Entry {
  const name = hit.symbol ?? hit.text.trim();
  return {
    id: `symbol ${hit.path}:${hit.line} ${name}`,
    group: 'Symbols',
    title: visibleName(name),
    parts: markedLine(name, marksOf(name, words)),
    name: name.split(/::|\./).at(-1),
    detail: `${hit.symbol_kind ? `${visibleName(hit.symbol_kind)} · ` : ''}${place(hit)}`,
    code: true,
    hit,
    run: () => kerf.openFile(hit.path, hit.line),
  };
}

export function textEntry(kerf: Kerf, hit: SearchHit): Entry {
  return {
    id: `text ${hit.path}:${hit.line}`,
    group: 'Text',
    title: visibleLine(hit.text.trim()),
    parts: markedCode(hit.text, hit.marks),
    detail: place(hit),
    code: true,
    hit,
    run: () => kerf.openFile(hit.path, hit.line),
  };
}

export function historyEntry(kerf: Kerf, hit: SessionHit, at: number): Entry {
  return {
    id: `history ${at} ${hit.session_id} ${hit.turn_id}`,
    group: 'History',
    title: marked(hit.snippet)
      .map(({ text }) => visibleLine(text))
      .join(''),
    parts: marked(hit.snippet).map(({ text, found }) => ({ text: text.replace(/\s/g, ' '), word: found })),
    detail: visibleLine(hit.title),
    run: () => kerf.openTask(hit.session_id),
  };
}

/** Leads to all of a kind, in the search view. */
export function moreEntry(
  kerf: Kerf,
  group: string,
  sought: { query: string; mode: SearchMode },
  answer: SearchAnswer,
): Entry[] {
  if (!answer.more) return [];
  const all = answer.total > answer.hits.length ? `${answer.total.toLocaleString()} ` : '';
  return [
    {
      id: `more ${group}`,
      group,
      title: `All ${all}in the search view…`,
      quiet: true,
      run: () => kerf.showSearch(sought),
    },
  ];
}

/** Those that answer to the words, best first, with the words marked. */
export function best(entries: Entry[], words: string): Entry[] {
  return entries
    .map((entry) => ({ entry, score: matched(entry.title, words) }))
    .filter((scored): scored is { entry: Entry; score: number } => scored.score !== null)
    .sort((a, b) => b.score - a.score)
    .map(({ entry }) => ({ ...entry, parts: markedLine(entry.title, marksOf(entry.title, words)) }));
}

/** The kinds, the one first whose best name answers best. Kinds without names, text and history, come last. */
export function inOrder(groups: Entry[][], words: string): Entry[] {
  return groups
    .map((entries) => ({
      entries,
      fit: Math.max(0, ...entries.slice(0, 3).map((entry) => fit(entry, words))),
    }))
    .sort((a, b) => b.fit - a.fit)
    .flatMap(({ entries }) => entries);
}

/** How well a name answers: it is it, begins with it, a word of it does, or something else. */
function fit({ name }: Entry, words: string): number {
  if (name === undefined) return 0;
  const has = name.toLowerCase();
  const wanted = words.toLowerCase();
  if (has === wanted || has.replace(/\.\w+$/, '') === wanted) return 4;
  if (has.startsWith(wanted)) return 3;
  return has.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted)) ? 2 : 1;
}

function place({ path, line }: SearchHit): string {
  return `${visibleName(path)}:${line}`;
}

/**
 * Search in the open folder: what the search view asks and got, and the searches of other fields. Each field names its
 * searches, so that the engine ends an older one when a newer one comes.
 */

import { untrack } from 'svelte';
import type { Backend } from '../backend/backend';
import type { FileLines } from '../protocol/FileLines';
import type { ReadLines } from '../protocol/ReadLines';
import type { Search } from '../protocol/Search';
import type { SearchAnswer } from '../protocol/SearchAnswer';
import type { SearchMode } from '../protocol/SearchMode';
import type { SearchWithin } from '../protocol/SearchWithin';
import { RecentFiles } from './recentFiles.svelte';
import { Live } from './live.svelte';

/** What a field says; the rest of a search is known here. */
export type Sought = { query: string; mode: SearchMode };

/** A search as one types. */
export type LiveSearch = Live<Search, SearchAnswer>;

/** So many hits are shown in the search view: who has more must say more. */
export const MOST_HITS = 500;

const ANYWHERE: SearchWithin = {
  paths: [],
  languages: [],
  hidden: false,
  ignore_case: false,
  multi_line: false,
};

export class CodeSearch {
  query = $state('');
  mode: SearchMode = $state('words');
  /** As they are typed: parts of paths and languages, each apart by a comma or a space. */
  paths = $state('');
  languages = $state('');
  hidden = $state(false);
  ignoreCase = $state(false);
  multiLine = $state(false);
  /** Files whose hits are folded away in the search view. */
  folded: ReadonlySet<string> = $state.raw(new Set<string>());
  /** How often the search view was called for: each time its field takes the focus. */
  called = $state(0);

  /** What the search view got. */
  readonly results: LiveSearch;
  readonly recent = new RecentFiles();

  within: SearchWithin = $derived({
    paths: parts(this.paths),
    languages: parts(this.languages),
    hidden: this.hidden,
    // Elsewhere the engine knows best, and what has no meaning is not sent.
    ignore_case: this.ignoreCase && (this.mode === 'exact' || this.mode === 'regex'),
    multi_line: this.multiLine && this.mode === 'regex',
  });

  #backend: Backend;
  #folder: () => string | null;

  constructor(backend: Backend, folder: () => string | null) {
    this.#backend = backend;
    this.#folder = folder;
    this.results = this.field();
  }

  /** A field's own search. */
  field(): LiveSearch {
    // Several windows may ask the same engine: the name is of this field in this window alone.
    const name = [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join('');
    return new Live((search: Search) =>
      this.#backend.request('search/run', { ...search, instead_of: `field ${name}` }),
    );
  }

  /** Lines of files for a preview; each place overtakes the one before. */
  reader(): Live<ReadLines, FileLines> {
    return new Live((place: ReadLines) => this.#backend.request('project/read', place));
  }

  /** A search in the open folder; null without a folder or a query. */
  of({ query, mode }: Sought, limit: number, within = ANYWHERE): Search | null {
    const folder = this.#folder();
    if (folder === null || query.trim() === '') return null;
    // A file that is opened does not ask anew.
    const recent = untrack(() => this.recent.of(folder));
    return { folder, query, mode, within, limit, recent, instead_of: null };
  }

  /** Asks what the search view says now. */
  run() {
    const { query, mode, within } = this;
    this.results.ask(this.of({ query, mode }, MOST_HITS, within));
  }

  seek({ query, mode }: Sought) {
    this.query = query;
    this.mode = mode;
  }

  /** Folds the hits of a file away, or shows them again. */
  fold(path: string, folded: boolean) {
    const next = new Set(this.folded);
    if (folded) next.add(path);
    else next.delete(path);
    this.folded = next;
  }

  /** A file was opened or changed. */
  touch(folder: string, path: string) {
    this.recent.touch(folder, path);
  }
}

function parts(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

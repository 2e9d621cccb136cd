/** What the palette asks the engine: files, symbols, text and history at once, each answer shown when it comes. */

import type { SessionHit } from '../protocol/SessionHit';
import type { Search } from '../protocol/Search';
import type { SearchMode } from '../protocol/SearchMode';
import type { Kerf } from '../state/kerf.svelte';
import type { LiveSearch } from '../state/codeSearch.svelte';
import { Live } from '../state/live.svelte';
import type { Only, PaletteQuery } from './paletteQuery';

/** So many are asked for: of every kind a few, of one kind a list. */
const FEW = 6;
const MANY = 60;

export class Finder {
  readonly files: LiveSearch;
  readonly symbols: LiveSearch;
  readonly text: LiveSearch;
  readonly history: Live<{ query: string; limit: number }, SessionHit[]>;

  #kerf: Kerf;

  constructor(kerf: Kerf) {
    this.#kerf = kerf;
    this.files = kerf.search.field();
    this.symbols = kerf.search.field();
    this.text = kerf.search.field();
    this.history = new Live(({ query, limit }) =>
      kerf.backend.request('session/search', { query, folder: null, limit }),
    );
  }

  ask({ only, words }: PaletteQuery) {
    const limit = only === null ? FEW : MANY;
    const wanted = (kind: Only | null) => words !== '' && (only === null || only === kind);
    const of = (mode: SearchMode, kind: Only | null): Search | null =>
      wanted(kind) ? this.#kerf.search.of({ query: words, mode }, limit) : null;
    this.files.ask(only === null ? of('path', null) : null);
    this.symbols.ask(of('symbol', 'symbols'));
    this.text.ask(of('words', 'text'));
    this.history.ask(wanted('history') ? { query: words, limit } : null);
  }

  get waiting(): boolean {
    const { files, symbols, text, history } = this;
    return files.waiting || symbols.waiting || text.waiting || history.waiting;
  }

  async settled() {
    const { files, symbols, text, history } = this;
    await Promise.all([files.settled(), symbols.settled(), text.settled(), history.settled()]);
  }

  /** Why what is sought could not be looked for. */
  get failure() {
    const { files, symbols, text, history } = this;
    return files.failure ?? symbols.failure ?? text.failure ?? history.failure;
  }
}

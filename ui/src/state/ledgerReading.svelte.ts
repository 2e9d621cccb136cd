/** What the ledger's view shows: requests, or sums by file, task or day; and about what. */

import { failureOf, type Backend } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { LedgerProof } from '../protocol/LedgerProof';
import type { LedgerRow } from '../protocol/LedgerRow';
import type { LedgerTotal } from '../protocol/LedgerTotal';
import type { TotalBy } from '../protocol/TotalBy';

export type By = 'request' | TotalBy;

/** What the requests are about; what is null restricts nothing. */
export interface About {
  folder: string | null;
  file: string | null;
  session_id: string | null;
  day: string | null;
}

export const ALL: About = { folder: null, file: null, session_id: null, day: null };

/** So many requests are read at once. */
const PAGE = 200;

export class LedgerReading {
  by: By = $state('request');
  about: About = $state.raw(ALL);
  /** Only requests with this text in the body. */
  text = $state('');

  /** The newest first. */
  rows: LedgerRow[] = $state.raw([]);
  totals: LedgerTotal[] = $state.raw([]);
  /** Whether there may be older requests than the last of `rows`. */
  more = $state(false);
  /** Whether an answer to the present question is there. */
  loaded = $state(false);
  failure: Failure | null = $state.raw(null);

  /** What the last look at the whole chain found. */
  proof: LedgerProof | null = $state.raw(null);
  proving = $state(false);

  #backend: Backend;
  #asked = 0;
  /** Whether somebody looks. */
  #open = false;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Somebody looks from now on, until what is returned is called: {@link refresh} reads. */
  open(): () => void {
    this.#open = true;
    return () => (this.#open = false);
  }

  /** Shows the requests about something. */
  show(about: Partial<About>) {
    this.about = { ...ALL, ...about };
    this.by = 'request';
    this.#ask();
  }

  showBy(by: By) {
    if (by !== 'request') {
      this.about = ALL;
      this.text = '';
    }
    this.by = by;
    this.#ask();
  }

  find(text: string) {
    this.text = text;
    this.#ask();
  }

  /** Reads anew what is shown, as far as it was read. */
  async refresh() {
    if (!this.#open) return;
    const { by } = this;
    await this.#answer(async () => {
      if (by === 'request') {
        const limit = Math.max(PAGE, this.rows.length);
        const rows = await this.#rows(null, limit);
        return () => {
          this.rows = rows;
          this.more = rows.length === limit;
        };
      }
      const totals = await this.#backend.request('ledger/totals', { by, folder: null });
      return () => (this.totals = totals);
    });
  }

  /** Reads older requests. */
  async older() {
    const last = this.rows.at(-1);
    if (!last || !this.more) return;
    // Asked for once.
    this.more = false;
    await this.#answer(async () => {
      const rows = await this.#rows(last.id, PAGE);
      return () => {
        this.rows = [...this.rows, ...rows];
        this.more = rows.length === PAGE;
      };
    });
  }

  /** Computes the whole chain anew. */
  async verify() {
    this.proving = true;
    try {
      this.proof = await this.#backend.request('ledger/verify', { seal: null });
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
    this.proving = false;
  }

  #ask() {
    this.loaded = false;
    this.rows = [];
    this.totals = [];
    this.more = false;
    void this.refresh();
  }

  /** Only the answer to the newest question counts. */
  async #answer(ask: () => Promise<() => void>) {
    const asked = ++this.#asked;
    try {
      const take = await ask();
      if (asked !== this.#asked) return;
      take();
      this.failure = null;
    } catch (thrown) {
      if (asked !== this.#asked) return;
      this.failure = failureOf(thrown);
    }
    this.loaded = true;
  }

  #rows(before: number | null, limit: number) {
    const text = this.text === '' ? null : this.text;
    return this.#backend.request('ledger/list', { ...this.about, text, before, limit });
  }
}

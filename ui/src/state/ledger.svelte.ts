/** What left the machine: the rows of the ledger, and the sum of today. */

import { failureOf, type Backend } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { LedgerRow } from '../protocol/LedgerRow';

export interface Sent {
  bytes: number;
  /** Hosts in the order of their first request, without a port. */
  hosts: string[];
}

/** So many rows are asked for at first; a day that has more is asked for again. */
const DAY = 500;

export class Ledger {
  /** Newest first: the rows of today at least. */
  rows: LedgerRow[] = $state.raw([]);
  loaded = $state(false);
  /** Whether `rows` is the whole ledger. */
  whole = $state(false);
  failure: Failure | null = $state.raw(null);

  today: Sent = $derived(sentSince(this.rows, midnight()));

  #backend: Backend;
  #asked = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Asks for the rows of today, or for all when all are shown. */
  async load(whole = this.whole) {
    const asked = ++this.#asked;
    this.whole = whole;
    try {
      let limit: number | null = whole ? null : DAY;
      let rows = await this.#rows(limit);
      while (limit !== null && rows.length === limit && (rows.at(-1)?.at ?? 0) >= midnight()) {
        limit *= 4;
        rows = await this.#rows(limit);
      }
      if (asked !== this.#asked) return;
      this.rows = rows;
      this.failure = null;
    } catch (thrown) {
      if (asked !== this.#asked) return;
      this.failure = failureOf(thrown);
    }
    this.loaded = true;
  }

  /** A row's body as it was sent. */
  async body(id: number): Promise<string> {
    return (await this.#backend.request('ledger/show', { id })).body;
  }

  #rows(limit: number | null) {
    return this.#backend.request('ledger/list', { session_id: null, limit });
  }
}

function midnight(): number {
  return new Date().setHours(0, 0, 0, 0);
}

function sentSince(rows: LedgerRow[], since: number): Sent {
  const sent = rows.filter((row) => row.at >= since);
  const hosts = new Set(sent.toReversed().map(({ host }) => host.replace(/:\d+$/, '')));
  return { bytes: sent.reduce((sum, row) => sum + row.bytes, 0), hosts: [...hosts] };
}

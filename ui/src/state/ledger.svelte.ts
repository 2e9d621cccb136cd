/** What left the machine: the sums of the days, and what the ledger's view reads. */

import { failureOf, type Backend } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { LedgerTotal } from '../protocol/LedgerTotal';
import { LedgerReading } from './ledgerReading.svelte';

export interface Sent {
  bytes: number;
  /** Hosts, without a port. */
  hosts: string[];
}

export class Ledger {
  /** The newest first. */
  days: LedgerTotal[] = $state.raw([]);
  loaded = $state(false);
  failure: Failure | null = $state.raw(null);

  today: Sent = $derived(sentOn(this.days, dayOf(Date.now())));

  readonly reading: LedgerReading;

  #backend: Backend;
  #asked = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.reading = new LedgerReading(backend);
  }

  /** Adds up anew, and reads anew what is shown. */
  async load() {
    const asked = ++this.#asked;
    const shown = this.reading.refresh();
    try {
      const days = await this.#backend.request('ledger/totals', { by: 'day', folder: null });
      if (asked !== this.#asked) return;
      this.days = days;
      this.failure = null;
    } catch (thrown) {
      if (asked !== this.#asked) return;
      this.failure = failureOf(thrown);
    }
    this.loaded = true;
    await shown;
  }

  /** A request's body as it was sent. */
  async body(id: number): Promise<string> {
    return (await this.#backend.request('ledger/show', { id })).body;
  }
}

/** The day as the ledger names it, in the machine's time zone. */
export function dayOf(at: number): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function sentOn(days: LedgerTotal[], key: string): Sent {
  const day = days.find((day) => day.key === key);
  const hosts = new Set(day?.hosts.map((host) => host.replace(/:\d+$/, '')));
  return { bytes: day?.bytes ?? 0, hosts: [...hosts] };
}

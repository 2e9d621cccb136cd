/** How the index of the open folder stands. It is asked for once a folder; from then on the feed tells. */

import { failureOf, type Backend } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { IndexStatus } from '../protocol/IndexStatus';
import type { SkippedFile } from '../protocol/SkippedFile';

/** So many of the files that are left out are listed. */
const LISTED = 5000;

export class CodeIndex {
  /** Of the open folder; null: not known yet. */
  status: IndexStatus | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);

  #backend: Backend;
  #folder: string | null = null;
  #known = new Map<string, IndexStatus>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Shows how the index of a folder stands. The engine keeps it from then on. */
  open(folder: string | null) {
    if (folder === this.#folder) return;
    this.#folder = folder;
    this.failure = null;
    this.status = (folder !== null && this.#known.get(folder)) || null;
    if (folder !== null && this.status === null) void this.#ask(folder);
  }

  /** The engine tells. */
  take(status: IndexStatus) {
    this.#known.set(status.folder, status);
    if (status.folder !== this.#folder) return;
    this.status = status;
    this.failure = null;
  }

  /** Asks anew, when something may have been told that was not heard. */
  async reload() {
    this.#known.clear();
    if (this.#folder !== null) await this.#ask(this.#folder);
  }

  rebuild() {
    return this.#order('index/rebuild');
  }

  stop() {
    return this.#order('index/stop');
  }

  /** The files that are not in the index, each with its reason. */
  async leftOut(): Promise<SkippedFile[]> {
    const folder = this.#folder;
    if (folder === null) return [];
    return await this.#backend.request('index/left_out', { folder, limit: LISTED });
  }

  async #ask(folder: string) {
    try {
      const status = await this.#backend.request('index/status', { folder });
      // What the feed told meanwhile is newer.
      if (!this.#known.has(folder)) this.take({ ...status, folder });
    } catch (thrown) {
      if (folder === this.#folder) this.failure = failureOf(thrown);
    }
  }

  async #order(method: 'index/rebuild' | 'index/stop') {
    const folder = this.#folder;
    if (folder === null) return;
    try {
      await this.#backend.request(method, { folder });
      if (folder === this.#folder) this.failure = null;
    } catch (thrown) {
      if (folder === this.#folder) this.failure = failureOf(thrown);
    }
  }
}

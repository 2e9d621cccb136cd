/** The rules of the folder that is worked in, and what of the project waits for the user's trust. */

import { failureOf, type Backend } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { Rule } from '../protocol/Rule';
import type { RuleList } from '../protocol/RuleList';
import type { TestedCommand } from '../protocol/TestedCommand';
import type { TrustShown } from '../protocol/TrustShown';

export class Rules {
  list: RuleList | null = $state.raw(null);
  trust: TrustShown | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);
  /** What the user left as it is, by hash: the line about it stays away until it changes. */
  left: string[] = $state.raw([]);

  #backend: Backend;
  #folder: string | null = null;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Whether something waits that the user has not left. */
  get waits(): boolean {
    return this.waiting.some(({ hash }) => !this.left.includes(hash));
  }

  /** What waits for the user's trust. */
  get waiting() {
    return this.trust?.items.filter(({ state }) => state !== 'trusted') ?? [];
  }

  /** Reads the rules of a folder; of the folder that was read last when none is named. */
  async load(folder: string | null = this.#folder) {
    if (folder !== this.#folder) {
      this.list = null;
      this.trust = null;
      this.failure = null;
    }
    this.#folder = folder;
    if (folder === null) return;
    try {
      const [list, trust] = await Promise.all([
        this.#backend.request('rules/list', { folder }),
        this.#backend.request('trust/show', { folder }),
      ]);
      if (folder !== this.#folder) return;
      this.list = list;
      this.trust = trust;
      this.failure = null;
    } catch (thrown) {
      if (folder === this.#folder) this.failure = failureOf(thrown);
    }
  }

  /** What the rules say about a command, or about those of earlier sessions. */
  async test(command: string | null): Promise<TestedCommand[]> {
    const folder = this.#folder;
    return folder === null ? [] : await this.#backend.request('rules/test', { folder, command });
  }

  /** Takes a rule back that an answer gave. */
  async revoke({ origin }: Rule) {
    if (origin.type !== 'answer') return;
    await this.#backend.request('rules/revoke', { id: origin.id });
    await this.load();
  }

  /** Trusts what was shown, as it was shown. */
  async trustShown(shown: TrustShown) {
    const items = shown.items.map(({ kind, name, hash }) => ({ kind, name, hash }));
    try {
      await this.#backend.request('trust/set', { folder: shown.folder, items });
    } finally {
      // Also when it is another by now: then that is to be seen.
      await this.load();
    }
  }

  /** Takes the trust in the folder back. */
  async revokeTrust() {
    const folder = this.#folder;
    if (folder === null) return;
    await this.#backend.request('trust/revoke', { folder });
    await this.load();
  }

  /** Leaves what waits as it is. */
  leave() {
    this.left = [...this.left, ...this.waiting.map(({ hash }) => hash)];
  }
}

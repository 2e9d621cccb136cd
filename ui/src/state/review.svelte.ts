/** The review of one session: files and hunks as the engine shows them, and where the user is in it. */

import type { Backend } from '../backend/backend';
import { failureOf } from '../backend/backend';
import type { Comment } from '../protocol/Comment';
import type { Committed } from '../protocol/Committed';
import type { Decision } from '../protocol/Decision';
import type { Failure } from '../protocol/Failure';
import type { Hunk } from '../protocol/Hunk';
import type { ReviewFile } from '../protocol/ReviewFile';
import type { Target } from '../protocol/Target';

export interface Counts {
  hunks: number;
  accepted: number;
  rejected: number;
  pending: number;
  added: number;
  removed: number;
}

/** A place in the review. */
export interface Place {
  path: string;
  /** The hunk's number in its file, from 1. */
  hunk: number;
}

export class ReviewState {
  files: ReviewFile[] = $state.raw([]);
  /** Whether the first answer has come. */
  loaded = $state(false);
  /** Whether a decision is being written. */
  busy = $state(false);
  failure: Failure | null = $state.raw(null);
  /** The hunk that keys act on. */
  current: Place | null = $state.raw(null);
  /** Comments that go with the next message, in the order they were made. */
  comments: Comment[] = $state.raw([]);

  counts: Counts = $derived(count(this.files));

  #backend: Backend;
  #sessionId: string;
  #asked = 0;

  constructor(backend: Backend, sessionId: string) {
    this.#backend = backend;
    this.#sessionId = sessionId;
  }

  /** Asks for the review as the files are now. An answer that a later one overtook is dropped. */
  async load() {
    const asked = ++this.#asked;
    try {
      const { files } = await this.#backend.request('review/show', { session_id: this.#sessionId });
      if (asked !== this.#asked) return;
      this.files = files;
      this.failure = null;
    } catch (thrown) {
      if (asked !== this.#asked) return;
      this.failure = failureOf(thrown);
    }
    this.loaded = true;
    if (!this.current || !this.hunk(this.current)) this.current = this.places()[0] ?? null;
  }

  async decide(decision: Decision, target: Target) {
    await this.#change(async () => {
      await this.#backend.request('review/decide', { session_id: this.#sessionId, decision, target });
    });
  }

  async undo() {
    await this.#change(async () => {
      await this.#backend.request('review/undo', { session_id: this.#sessionId });
    });
  }

  async comment(comment: Comment) {
    await this.#change(async () => {
      await this.#backend.request('review/comment', { session_id: this.#sessionId, comment });
      this.comments = [...this.comments, comment];
    });
  }

  /** Commits what is accepted; null when that failed. */
  async commit(message: string): Promise<Committed | null> {
    let committed: Committed | null = null;
    await this.#change(async () => {
      committed = await this.#backend.request('review/commit', { session_id: this.#sessionId, message });
    });
    return committed;
  }

  /** The comments went with a message. */
  sent() {
    this.comments = [];
  }

  hunk({ path, hunk }: Place): Hunk | undefined {
    return this.files.find((file) => file.path === path)?.hunks.find((other) => other.hunk === hunk);
  }

  /** All hunks in the order they are shown. */
  places(): Place[] {
    return this.files.flatMap(({ path, hunks }) => hunks.map(({ hunk }) => ({ path, hunk })));
  }

  /** Goes `by` hunks on or back, to those that wait when there are any; stops at either end. */
  move(by: 1 | -1) {
    const places = this.places();
    const { current } = this;
    const at = places.findIndex((place) => place.path === current?.path && place.hunk === current.hunk);
    const ahead = by === 1 ? places.slice(at + 1) : places.slice(0, Math.max(at, 0)).reverse();
    const next = ahead.find((place) => this.hunk(place)?.state === 'pending') ?? ahead[0];
    if (next) this.current = next;
  }

  async #change(work: () => Promise<void>) {
    if (this.busy) return;
    this.busy = true;
    let failure: Failure | null = null;
    try {
      await work();
    } catch (thrown) {
      failure = failureOf(thrown);
    }
    // Also after a failure: part of what was asked for may be done.
    await this.load();
    this.busy = false;
    if (failure) this.failure = failure;
  }
}

function count(files: ReviewFile[]): Counts {
  const counts = { hunks: 0, accepted: 0, rejected: 0, pending: 0, added: 0, removed: 0 };
  for (const hunk of files.flatMap((file) => file.hunks)) {
    counts.hunks += 1;
    counts[hunk.state] += 1;
    counts.added += hunk.added;
    counts.removed += hunk.removed;
  }
  return counts;
}

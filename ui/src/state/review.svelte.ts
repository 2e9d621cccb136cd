/**
 * The review of one session: files and hunks as the engine outlines them, and where the user is in it. The texts of
 * lines are `ReviewLines`'s; what changes comes in together with those of its lines that are on screen.
 */

import type { Backend } from '../backend/backend';
import { failureOf } from '../backend/backend';
import type { Comment } from '../protocol/Comment';
import type { Committed } from '../protocol/Committed';
import type { Decision } from '../protocol/Decision';
import type { Failure } from '../protocol/Failure';
import type { FileOutline } from '../protocol/FileOutline';
import type { HeldHunk } from '../protocol/HeldHunk';
import type { HunkOutline } from '../protocol/HunkOutline';
import type { Scope } from '../protocol/Scope';
import type { ScopeBase } from '../protocol/ScopeBase';
import type { Target } from '../protocol/Target';
import type { EditHunk } from '../protocol/EditHunk';
import { AroundLines } from './aroundLines.svelte';
import { CheckAgain } from './checkAgain.svelte';
import { FileExtras } from './fileExtras.svelte';
import type { TaskCheck } from '../protocol/TaskCheck';
import { ReviewLines } from './reviewLines.svelte';

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
  files: FileOutline[] = $state.raw([]);
  readonly lines: ReviewLines;
  readonly around: AroundLines;
  readonly extras: FileExtras;
  /** Whether the first answer has come. */
  loaded = $state(false);
  /** Whether a decision is being written. */
  busy = $state(false);
  failure: Failure | null = $state.raw(null);
  /** The hunk that keys act on. */
  current: Place | null = $state.raw(null);
  /** What is looked at. */
  readonly scope: Scope;
  /** What the files are compared with, where that is a commit. */
  base: ScopeBase | null = $state.raw(null);
  /** The commands that say whether the changes are right. */
  checks: TaskCheck[] = $state.raw([]);
  /** Why these, or the comments, are not known. */
  besideFailure: Failure | null = $state.raw(null);
  /** Hunks that were to be accepted with others and still wait. */
  held: HeldHunk[] = $state.raw([]);
  #comments: Comment[] = $state.raw([]);
  /** Those of the comments whose lines are gone. */
  #gone: Comment[] = $state.raw([]);
  /** The review of the whole task, whose comments are those of every scope. */
  #main: ReviewState | null;

  /** The hunks that the last decision of this window was about. Empty when it is not known. */
  lastDecided: Place[] = $state.raw([]);
  /** What it was. */
  lastDecision: { decision: Decision; target: Target } | null = $state.raw(null);

  counts: Counts = $derived(count(this.files));

  #byPath = $derived(new Map(this.files.map((file) => [file.path, file])));
  #backend: Backend;
  #sessionId: string;
  #asked = 0;
  #askedBeside = 0;
  #again: CheckAgain;

  constructor(
    backend: Backend,
    sessionId: string,
    scope: Scope = { type: 'task' },
    main: ReviewState | null = null,
  ) {
    this.#backend = backend;
    this.#sessionId = sessionId;
    this.scope = scope;
    this.#main = main;
    const onstale = () => void this.load();
    const onfailure = (thrown: unknown) => (this.failure = failureOf(thrown));
    this.lines = new ReviewLines(backend, sessionId, scope, onstale, onfailure);
    this.around = new AroundLines(backend, sessionId, scope, onstale, onfailure);
    this.extras = new FileExtras(backend, sessionId, scope);
    // What it changed is to be seen too.
    this.#again = new CheckAgain(backend, sessionId, () => this.load());
  }

  /** Whether this is for looking at: nothing is decided in it. */
  get readOnly(): boolean {
    return this.scope.type === 'branch' || this.scope.type === 'uncommitted';
  }

  /** Comments that go with the next message, in the order they were made. */
  get comments(): Comment[] {
    return this.#main?.comments ?? this.#comments;
  }

  set comments(comments: Comment[]) {
    if (this.#main) this.#main.comments = comments;
    else this.#comments = comments;
  }

  /** Whether the lines of a comment are no longer there. */
  isGone(comment: Comment): boolean {
    return this.#main?.isGone(comment) ?? this.#gone.includes(comment);
  }

  /**
   * Asks for the review as the files are now: for the files that are not as they are known here. An answer that a later
   * one overtook is dropped.
   */
  async load() {
    const asked = ++this.#asked;
    try {
      const before = this.files;
      void this.#loadBeside();
      const { paths, files, base } = await this.#backend.request('review/outline', {
        session_id: this.#sessionId,
        known: Object.fromEntries(before.map(({ path, revision }) => [path, revision])),
        scope: this.scope,
      });
      if (asked !== this.#asked) return;
      this.base = base ?? null;
      const byPath = new Map([...before, ...files].map((file) => [file.path, file]));
      const now = paths.flatMap((path) => byPath.get(path) ?? []);
      await this.lines.prepare(files);
      if (asked !== this.#asked) return;
      this.lines.follow(now);
      if (files.length > 0 || now.length !== before.length) this.files = now;
      this.failure = null;
    } catch (thrown) {
      if (asked !== this.#asked) return;
      this.failure = failureOf(thrown);
    }
    this.loaded = true;
    if (!this.current || !this.hunk(this.current)) this.current = this.#first();
  }

  async decide(decision: Decision, target: Target) {
    const before = this.#states();
    this.held = [];
    await this.#change(async () => {
      const request = { session_id: this.#sessionId, decision, target };
      const { held } = await this.#backend.request('review/decide', request);
      this.held = held ?? [];
    });
    const known = this.files.flatMap(({ path, hunks }) =>
      hunks
        .filter((hunk) => before.get(`${hunk.hunk} ${path}`) !== hunk.state)
        .map(({ hunk }) => ({ path, hunk })),
    );
    // Lines make hunks of their own, and the numbers after them change: only the hunk that they were in is known.
    this.lastDecided = target.type === 'lines' ? [{ path: target.path, hunk: target.hunk }] : known;
    this.lastDecision = { decision, target };
  }

  /** Accepts a hunk with the user's own lines. False: that failed, and is told. `ondone` is called once it is written. */
  async edit(edit: Omit<EditHunk, 'session_id'>, ondone: () => void): Promise<boolean> {
    let done = false;
    await this.#change(async () => {
      await this.#backend.request('review/edit', { session_id: this.#sessionId, ...edit });
      done = true;
      ondone();
    });
    if (!done) return false;
    const { path, hunk } = edit;
    this.lastDecided = [{ path, hunk }];
    this.lastDecision = { decision: 'accept', target: { type: 'hunk', path, hunk, id: null } };
    return true;
  }

  async undo() {
    await this.#change(async () => {
      await this.#backend.request('review/undo', { session_id: this.#sessionId });
    });
    this.lastDecided = [];
    this.lastDecision = null;
  }

  async comment(comment: Comment) {
    await this.#change(async () => {
      await this.#backend.request('review/comment', { session_id: this.#sessionId, comment });
      // An answer that is on its way does not know of it.
      this.#askedBeside += 1;
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
    this.#askedBeside += 1;
    this.comments = [];
  }

  /** Comments that went with a message that came to nothing wait again, each once. */
  async putBack(comments: Comment[]) {
    const waiting = new Set(this.comments.map(nameOf));
    let lost = comments.filter((comment) => !waiting.has(nameOf(comment)));
    // At once, so that a second press does not add them twice.
    this.comments = [...this.comments, ...lost];
    try {
      for (const comment of lost) {
        await this.#backend.request('review/comment', { session_id: this.#sessionId, comment });
        lost = lost.filter((other) => other !== comment);
      }
    } catch (thrown) {
      this.comments = this.comments.filter((comment) => !lost.includes(comment));
      this.failure = failureOf(thrown);
    }
  }

  /** What stands beside the changes: checks, and where comments are now. */
  async #loadBeside() {
    if (this.#main) return;
    const session = { session_id: this.#sessionId };
    const asked = ++this.#askedBeside;
    try {
      const [checks, comments] = await Promise.all([
        this.#backend.request('review/checks', session),
        this.#backend.request('review/comments', session),
      ]);
      if (asked !== this.#askedBeside) return;
      this.checks = checks;
      this.#comments = comments.map(({ comment }) => comment);
      this.#gone = comments.filter(({ gone }) => gone).map(({ comment }) => comment);
      this.besideFailure = null;
    } catch (thrown) {
      if (asked === this.#askedBeside) this.besideFailure = failureOf(thrown);
    }
  }

  /** The checks of the task, in whatever scope. */
  get taskChecks(): TaskCheck[] {
    return this.#main?.checks ?? this.checks;
  }

  /** The check that the user runs again. */
  get again(): CheckAgain {
    return this.#main?.again ?? this.#again;
  }

  file(path: string): FileOutline | undefined {
    return this.#byPath.get(path);
  }

  hunk({ path, hunk }: Place): HunkOutline | undefined {
    return this.file(path)?.hunks.find((other) => other.hunk === hunk);
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

  /** Goes to the next hunk that waits, from the top again after the last. */
  advance() {
    const { current } = this;
    const places = this.places();
    const at = places.findIndex((place) => place.path === current?.path && place.hunk === current.hunk);
    const ahead = [...places.slice(at + 1), ...places.slice(0, Math.max(at, 0))];
    this.current = ahead.find((place) => this.hunk(place)?.state === 'pending') ?? current;
  }

  /** Where a review begins: at the first hunk that waits. */
  #first(): Place | null {
    const places = this.places();
    return places.find((place) => this.hunk(place)?.state === 'pending') ?? places[0] ?? null;
  }

  #states(): Map<string, string> {
    return new Map(
      this.files.flatMap(({ path, hunks }) =>
        hunks.map((hunk) => [`${hunk.hunk} ${path}`, hunk.state] as const),
      ),
    );
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
    await Promise.all([this.load(), this.#main?.load()]);
    this.busy = false;
    if (failure) this.failure = failure;
  }
}

/** Names a comment by all that it is. */
function nameOf({ path, first_line, last_line, text }: Comment): string {
  return JSON.stringify([path, first_line, last_line, text]);
}

function count(files: FileOutline[]): Counts {
  const counts = { hunks: 0, accepted: 0, rejected: 0, pending: 0, added: 0, removed: 0 };
  for (const hunk of files.flatMap((file) => file.hunks)) {
    counts.hunks += 1;
    counts[hunk.state] += 1;
    counts.added += hunk.added;
    counts.removed += hunk.removed;
  }
  return counts;
}

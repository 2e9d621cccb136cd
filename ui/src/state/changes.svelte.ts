/** What is not committed in the folder that is worked in, and what the user does about it. */

import { failureOf, type Backend, type Method, type Params } from '../backend/backend';
import type { Answers } from '../protocol/Answers';
import type { ChangeDiff } from '../protocol/ChangeDiff';
import type { ChangedPath } from '../protocol/ChangedPath';
import type { Failure } from '../protocol/Failure';
import type { FileConflict } from '../protocol/FileConflict';
import type { GitBranch } from '../protocol/GitBranch';
import type { GitCommit } from '../protocol/GitCommit';
import type { GitRun } from '../protocol/GitRun';
import type { GitStash } from '../protocol/GitStash';
import type { LineBlame } from '../protocol/LineBlame';
import type { Resolution } from '../protocol/Resolution';
import type { StagedCommitted } from '../protocol/StagedCommitted';
import type { StageSide } from '../protocol/StageSide';
import type { WorkingChanges } from '../protocol/WorkingChanges';

/** A file on one side, or one of its hunks. */
export interface Place {
  side: StageSide;
  path: string;
  hunk: number | null;
}

const LOG_PAGE = 50;

export class Changes {
  now: WorkingChanges | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);
  busy = $state(false);
  /** The differences of the files that are unfolded, by side and path; null: on its way. */
  diffs: Record<string, ChangeDiff | null> = $state.raw({});
  /** The conflicts of the files that are unfolded, by path; null: on its way. */
  conflicts: Record<string, FileConflict | null> = $state.raw({});
  /** The conflict that was resolved last, to be put back. */
  resolved: FileConflict | null = $state.raw(null);
  current: Place | null = $state.raw(null);
  message = $state('');
  amend = $state(false);
  drafting = $state(false);
  /** What the model was not shown for its draft. */
  leftOut = $state('');
  committed: StagedCommitted | null = $state.raw(null);
  branches: GitBranch[] = $state.raw([]);
  stashes: GitStash[] = $state.raw([]);
  commits: GitCommit[] = $state.raw([]);
  /** Whose log it is; null: of the branch. */
  logPath: string | null = $state.raw(null);
  /** Who last changed lines of a file on disk. */
  blame: { path: string; lines: LineBlame[] } | null = $state.raw(null);
  /** The branch that was deleted last, and the commit at which it can be made again. */
  deleted: { name: string; commit: string } | null = $state.raw(null);
  /** How many files the stash that was taken out last left in conflict: it was kept then. */
  stashKept = $state(0);
  /** Whether the log goes on. */
  more: Answers['git/log']['next'] = $state.raw(null);

  #backend: Backend;
  #folder: string | null = null;
  /** What the user was about to do in other folders. */
  #begun = new Map<string, Pick<Changes, 'message' | 'amend' | 'leftOut' | 'resolved'>>();
  /** Told after what changes the branch or the files. */
  #moved: () => void;

  constructor(backend: Backend, moved: () => void) {
    this.#backend = backend;
    this.#moved = moved;
  }

  /** The files in conflict: git lists them among the unstaged. */
  get inConflict(): ChangedPath[] {
    return (this.now?.unstaged ?? []).filter(isInConflict);
  }

  /** The other files of a side. */
  list(side: StageSide): ChangedPath[] {
    return (this.now?.[side] ?? []).filter((file) => !isInConflict(file));
  }

  /** All that the keys go through, in the order of the screen. */
  get places(): Place[] {
    const conflicts = this.inConflict.map(({ path }): Place => ({ side: 'unstaged', path, hunk: null }));
    const of = (side: StageSide) =>
      this.list(side).flatMap(({ path }): Place[] => {
        const hunks = this.diffs[keyOf(side, path)]?.hunks ?? [];
        return hunks.length > 0
          ? hunks.map((_, hunk) => ({ side, path, hunk }))
          : [{ side, path, hunk: null }];
      });
    return [...conflicts, ...of('staged'), ...of('unstaged')];
  }

  /** Shows a folder; nothing of another one stays but what was begun there, for when it is shown again. */
  async show(folder: string | null) {
    if (folder !== this.#folder) {
      const { message, amend, leftOut, resolved } = this;
      if (this.#folder !== null) this.#begun.set(this.#folder, { message, amend, leftOut, resolved });
      const begun = folder === null ? undefined : this.#begun.get(folder);
      this.now = null;
      this.failure = null;
      this.diffs = {};
      this.conflicts = {};
      this.resolved = begun?.resolved ?? null;
      this.blame = null;
      this.deleted = null;
      this.stashKept = 0;
      this.current = null;
      this.message = begun?.message ?? '';
      this.amend = begun?.amend ?? false;
      this.leftOut = begun?.leftOut ?? '';
      this.committed = null;
    }
    this.#folder = folder;
    await this.load();
  }

  /** What is known of a folder: nothing, when another one is shown. */
  of(folder: string | null): WorkingChanges | null {
    // Read in any case: who asks is told when it changes.
    const { now } = this;
    return folder === this.#folder ? now : null;
  }

  /** Looks again, at the unfolded files too. */
  async load() {
    const folder = this.#folder;
    if (folder === null) return;
    await this.#try(async () => this.#take(await this.#backend.request('git/status', { folder })));
  }

  isOpen(side: StageSide, path: string): boolean {
    return keyOf(side, path) in this.diffs;
  }

  async toggle(side: StageSide, path: string) {
    if (this.inConflict.some((file) => file.path === path)) {
      await this.#toggleConflict(path);
      return;
    }
    const key = keyOf(side, path);
    if (key in this.diffs) {
      this.diffs = Object.fromEntries(Object.entries(this.diffs).filter(([other]) => other !== key));
      return;
    }
    this.diffs = { ...this.diffs, [key]: null };
    await this.#read(side, path);
  }

  /** Unfolds a file in conflict, or folds it. */
  async #toggleConflict(path: string) {
    if (path in this.conflicts) {
      this.conflicts = Object.fromEntries(Object.entries(this.conflicts).filter(([other]) => other !== path));
      return;
    }
    this.conflicts = { ...this.conflicts, [path]: null };
    await this.#readConflict(path);
  }

  async resolve(conflict: FileConflict, how: Resolution) {
    if (this.busy) return;
    const { path } = conflict;
    const done = await this.#ask(
      'git/resolve',
      (folder) => ({ folder, path, how }),
      (now) => {
        this.resolved = how.type === 'undo' ? null : conflict;
        this.#take(now);
      },
    );
    // What is not as it was shown is shown as it is.
    if (!done && path in this.conflicts) {
      const { failure } = this;
      await this.#readConflict(path);
      this.failure = failure;
    }
  }

  /** Puts the conflict back that was resolved last. */
  async unresolve() {
    const { resolved } = this;
    if (resolved) await this.resolve(resolved, { type: 'undo', conflict: resolved });
  }

  /** Stages what is unstaged, and the other way round. */
  async stage(side: StageSide, paths: string[], hunk: number | null = null) {
    const [path] = paths;
    if (this.busy || path === undefined) return;
    const diff = hunk === null ? null : this.diffs[keyOf(side, path)];
    const from = this.#from(side, path);
    const at = this.places.findIndex((place) => isSame(place, this.current));
    await this.#ask(
      'git/stage',
      (folder) => ({
        folder,
        // What was renamed is two paths of git's.
        paths: diff ? paths : paths.flatMap((one) => [this.#from(side, one) ?? [], one].flat()),
        from: side,
        hunks:
          diff && hunk !== null
            ? { token: diff.token, hunks: [hunk], ...(from !== undefined && { renamed_from: from }) }
            : null,
      }),
      (now) => this.#take(now),
    );
    // The next one moves up to where the staged one was.
    if (at >= 0) this.current = this.places[Math.min(at, this.places.length - 1)] ?? null;
  }

  move(by: 1 | -1) {
    const { places } = this;
    if (places.length === 0) return;
    const at = places.findIndex((place) => isSame(place, this.current));
    const next = at < 0 ? (by === 1 ? 0 : places.length - 1) : at + by;
    this.current = places[Math.min(Math.max(next, 0), places.length - 1)] ?? null;
  }

  /** `withoutPrograms`: the user saw what git would run, and goes without. */
  async commit(withoutPrograms: boolean) {
    const { message, amend } = this;
    const folder = this.#folder;
    const done = await this.#ask(
      'git/commit',
      (folder) => ({ folder, message, amend, without_programs: withoutPrograms }),
      (committed) => (this.committed = committed),
    );
    if (!done || folder === null) return;
    this.#wrote(folder, message);
    if (folder === this.#folder) await this.#afterMove();
  }

  /** A command of git's ended in a folder: what it committed is written no more, and all is looked at again. */
  async ran({ act, end }: GitRun, folder: string) {
    if (act.type === 'commit' && end?.type === 'done') this.#wrote(folder, act.message);
    await this.load();
  }

  /** A message was committed in a folder, shown or not: it is begun no more, unless the user wrote on. */
  #wrote(folder: string, message: string) {
    const begun = folder === this.#folder ? this : this.#begun.get(folder);
    if (begun?.message.trim() !== message.trim()) return;
    begun.message = '';
    begun.amend = false;
    begun.leftOut = '';
  }

  /** To amend is to begin with the message that is there. */
  setAmend(amend: boolean) {
    this.amend = amend;
    const last = this.now?.last_message?.trim() ?? '';
    if (amend && this.message.trim() === '') this.message = last;
    else if (!amend && this.message === last) this.message = '';
  }

  /** Lets the model propose a message. What the user wrote meanwhile stays. */
  async draft(session: string | null) {
    if (this.drafting) return;
    const before = this.message;
    this.drafting = true;
    await this.#ask(
      'git/draft_message',
      (folder) => ({ folder, session_id: session }),
      ({ text, left_out }) => {
        if (this.message === before) this.message = text;
        this.leftOut = left_out;
      },
    );
    this.drafting = false;
  }

  async loadBranches() {
    await this.#ask(
      'git/branches',
      (folder) => ({ folder }),
      (branches) => (this.branches = branches),
    );
  }

  async switchTo(name: string, create = false): Promise<boolean> {
    return await this.#ask(
      'git/switch',
      (folder) => ({ folder, name, create }),
      () => this.#afterMove(),
    );
  }

  async loadStashes() {
    await this.#ask(
      'git/stashes',
      (folder) => ({ folder }),
      (stashes) => (this.stashes = stashes),
    );
  }

  async stash(): Promise<boolean> {
    return await this.#ask(
      'git/stash',
      (folder) => ({ folder, message: null, untracked: true }),
      () => this.#afterMove(),
    );
  }

  async unstash(oid: string): Promise<boolean> {
    return await this.#ask(
      'git/unstash',
      (folder) => ({ folder, oid, drop: true }),
      async ({ conflicts }) => {
        this.stashKept = conflicts.length;
        await this.#afterMove();
      },
    );
  }

  /** Reads the log from its beginning, or goes on with it. */
  async loadLog(on = false) {
    if (on && !this.more) return;
    const after = on ? this.more : null;
    await this.#ask(
      'git/log',
      (folder) => ({ folder, path: this.logPath, after, limit: LOG_PAGE }),
      (page) => {
        this.commits = on ? [...this.commits, ...page.commits] : page.commits;
        this.more = page.next;
      },
    );
  }

  /** Deletes a branch that is merged; of another the failure says what it has. */
  async deleteBranch(name: string) {
    const done = await this.#ask(
      'git/delete_branch',
      (folder) => ({ folder, name }),
      ({ commit }) => (this.deleted = { name, commit }),
    );
    if (done) await this.loadBranches();
  }

  /** Reads who last changed the lines of the hunk that the keys came to. */
  async loadBlame() {
    const { current } = this;
    this.blame = null;
    if (current?.hunk == null) return;
    const { path, side, hunk } = current;
    const numbers = (this.diffs[keyOf(side, path)]?.hunks[hunk]?.lines ?? [])
      .map((line) => line.new)
      .filter((number) => number !== null);
    if (numbers.length === 0) return;
    await this.#ask(
      'git/blame',
      (folder) => ({ folder, path, first_line: Math.min(...numbers), last_line: Math.max(...numbers) }),
      (lines) => (this.blame = { path, lines }),
    );
  }

  async #afterMove() {
    this.#moved();
    await this.load();
  }

  #take(now: WorkingChanges) {
    this.now = now;
    const open = new Set(this.inConflict.map(({ path }) => path));
    this.conflicts = Object.fromEntries(Object.entries(this.conflicts).filter(([path]) => open.has(path)));
    for (const path of Object.keys(this.conflicts)) void this.#readConflict(path);
    const has = (list: ChangedPath[], side: StageSide) => list.map(({ path }) => keyOf(side, path));
    const keys = new Set([...has(now.staged, 'staged'), ...has(now.unstaged, 'unstaged')]);
    this.diffs = Object.fromEntries(Object.entries(this.diffs).filter(([key]) => keys.has(key)));
    for (const key of Object.keys(this.diffs)) {
      const at = key.indexOf(' ');
      void this.#read(key.slice(0, at) as StageSide, key.slice(at + 1));
    }
  }

  async #read(side: StageSide, path: string) {
    const folder = this.#folder;
    if (folder === null) return;
    await this.#try(async () => {
      const from = this.#from(side, path);
      const file = { folder, path, side, ...(from !== undefined && { from }) };
      const diff = await this.#backend.request('git/diff', file);
      const key = keyOf(side, path);
      if (folder === this.#folder && key in this.diffs) this.diffs = { ...this.diffs, [key]: diff };
    });
  }

  /** Where a file was, when it was renamed. */
  #from(side: StageSide, path: string): string | undefined {
    return this.now?.[side].find((file) => file.path === path)?.from;
  }

  async #readConflict(path: string) {
    const folder = this.#folder;
    if (folder === null) return;
    await this.#try(async () => {
      const conflict = await this.#backend.request('git/conflict', { folder, path });
      // The same versions stay, with what was chosen of them.
      if (folder === this.#folder && path in this.conflicts && this.conflicts[path]?.token !== conflict.token)
        this.conflicts = { ...this.conflicts, [path]: conflict };
    });
  }

  async #ask<M extends Method>(
    method: M,
    params: (folder: string) => Params<M>,
    take: (answer: Answers[M]) => unknown,
  ): Promise<boolean> {
    const folder = this.#folder;
    if (folder === null) return false;
    this.busy = true;
    const done = await this.#try(async () => {
      const answer = await this.#backend.request(method, params(folder));
      if (folder === this.#folder) await take(answer);
    });
    this.busy = false;
    return done;
  }

  async #try(work: () => Promise<unknown>): Promise<boolean> {
    const folder = this.#folder;
    try {
      await work();
      if (folder === this.#folder) this.failure = null;
      return true;
    } catch (thrown) {
      if (folder === this.#folder) this.failure = failureOf(thrown);
      return false;
    }
  }
}

function isInConflict({ how }: ChangedPath): boolean {
  return how === 'conflicted';
}

export function keyOf(side: StageSide, path: string): string {
  return `${side} ${path}`;
}

export function isSame(a: Place | null, b: Place | null): boolean {
  return a?.side === b?.side && a?.path === b?.path && a?.hunk === b?.hunk;
}

/**
 * The attempts of a task beside each other: what each made, what of it is picked, what taking that would make of the
 * user's files, and the checks that run on it. The engine compares; here is what the user chose of it.
 */

import { failureOf, type Backend } from '../backend/backend';
import type { Checked } from '../protocol/Checked';
import type { CheckRun } from '../protocol/CheckRun';
import type { Comparison } from '../protocol/Comparison';
import type { Event } from '../protocol/Event';
import type { Failure } from '../protocol/Failure';
import type { Hunk } from '../protocol/Hunk';
import type { Pick } from '../protocol/Pick';
import type { ReviewFile } from '../protocol/ReviewFile';
import type { SandboxMode } from '../protocol/SandboxMode';
import type { TakenAttempts } from '../protocol/TakenAttempts';
import type { TakePreview } from '../protocol/TakePreview';
import { Live } from './live.svelte';

/** While attempts work, they are looked at again so often, in milliseconds. */
const AGAIN = 1500;

/** A check of the attempts, on what was taken. */
export interface Check extends Pick_<CheckRun, 'command' | 'cwd'> {
  /** The numbers of the attempts in which it passed. */
  passedIn: number[];
  /** How it is isolated when it runs here: as in the first attempt that ran it. */
  sandbox: SandboxMode;
}

/** How checks ended on what would be taken. */
export interface Trial {
  /** What they ran on, as the preview names it. */
  planned: string;
  /** By `checkKey`; those behind one that was stopped did not run. */
  ended: Record<string, Checked>;
  /** What of the user's folder they did not have. */
  notes: string[];
}

// `Pick` is a part of an attempt here.
type Pick_<T, K extends keyof T> = { [P in K]: T[P] };

export class Attempts {
  /** The task that is compared. */
  taskId: string | null = $state(null);
  comparison: Comparison | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);
  /** The hunks that are to be taken, by `pickKey`. */
  picked: ReadonlySet<string> = $state.raw(new Set());
  /** What taking them would do. */
  readonly preview: Live<Pick[], TakePreview>;
  /** What was taken last, until something else is. */
  taken: TakenAttempts | null = $state.raw(null);
  busy = $state(false);
  /** The check that runs, and how those ended that ran, by `checkKey`. */
  checking: string | null = $state(null);
  checked: Record<string, Checked | Failure> = $state.raw({});

  /** What is picked as the engine takes it: whole files and attempts where all of them is picked. */
  picks: Pick[] = $derived.by(() => this.#picks());
  /** The commands that passed as checks in any attempt. */
  checks: Check[] = $derived.by(() => this.#checks());

  #backend: Backend;
  /** The task whose checks run on what is picked, before it is taken. */
  #trying: string | null = $state(null);
  #tried: Trial | Failure | null = $state.raw(null);
  #asked = 0;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.preview = new Live((picks: Pick[]) =>
      backend.request('attempts/preview', { task_id: this.taskId ?? '', picks }),
    );
  }

  /** Whether checks run on what is picked, before it is taken. */
  get trying(): boolean {
    return this.#trying !== null && this.#trying === this.taskId;
  }

  /** How they ended, as long as the same would be taken. */
  get tried(): Trial | Failure | null {
    return this.#isOld(this.#tried) ? null : this.#tried;
  }

  /** Whether they ended on something else than what would be taken now: files changed meanwhile. */
  get outdated(): boolean {
    return !this.preview.waiting && this.#isOld(this.#tried);
  }

  /** Compares the attempts of a task. What was picked of another is forgotten. */
  async open(taskId: string) {
    if (this.taskId !== taskId) {
      this.taskId = taskId;
      this.comparison = null;
      this.taken = null;
      this.checked = {};
      this.#tried = null;
      this.#pick(new Set());
    }
    await this.load();
  }

  async load() {
    const { taskId } = this;
    if (taskId === null) return;
    const asked = ++this.#asked;
    try {
      const comparison = await this.#backend.request('attempts/compare', { task_id: taskId });
      if (asked !== this.#asked) return;
      this.comparison = comparison;
      this.failure = null;
      // What is no longer there to be taken is not picked any more. The rest may go together in another way now.
      const there = new Set(this.#all().map(({ key }) => key));
      this.#pick(new Set([...this.picked].filter((key) => there.has(key))));
    } catch (thrown) {
      if (asked === this.#asked) this.failure = failureOf(thrown);
    }
  }

  /** Looks again soon when an attempt that is compared went on. */
  apply(event: Event) {
    if (!this.comparison?.attempts.some(({ session }) => session.id === event.session_id)) return;
    const ended = event.type === 'turn.completed' || event.type === 'turn.failed';
    const moved = event.type === 'turn.started' || event.type === 'item.completed';
    if (!ended && !moved) return;
    this.#waiting ??= setTimeout(() => {
      this.#waiting = undefined;
      void this.load();
    }, AGAIN);
  }

  isPicked(sessionId: string, path: string, hunk: Hunk): boolean {
    return this.picked.has(pickKey(sessionId, path, hunk));
  }

  /** Picks hunks, or takes all of them out when they are picked already. */
  toggle(sessionId: string, hunks: { path: string; hunk: Hunk }[]) {
    const keys = hunks
      .filter(({ hunk }) => hunk.state === 'pending')
      .map(({ path, hunk }) => pickKey(sessionId, path, hunk));
    const next = new Set(this.picked);
    const all = keys.every((key) => next.has(key));
    for (const key of keys) {
      if (all) next.delete(key);
      else next.add(key);
    }
    this.#pick(next);
  }

  clear() {
    this.#pick(new Set());
  }

  /** The hunks of an attempt that can be taken. */
  pendingOf(at: number): { path: string; hunk: Hunk }[] {
    return (this.comparison?.files ?? []).flatMap(({ path, attempts }) =>
      pendingIn(attempts[at]).map((hunk) => ({ path, hunk })),
    );
  }

  /** Takes what is picked into the user's folder. False: nothing was taken. */
  async take(): Promise<boolean> {
    const { taskId, picks } = this;
    if (taskId === null || picks.length === 0 || this.busy) return false;
    // What was shown is what is taken.
    const planned = this.preview.answer?.planned;
    return await this.#do(async () => {
      this.taken = await this.#backend.request('attempts/take', { task_id: taskId, picks, planned });
      this.checked = {};
      this.clear();
    });
  }

  /** Takes back what was taken last. */
  async undo(): Promise<boolean> {
    const { taken } = this;
    if (!taken || this.busy) return false;
    return await this.#do(async () => {
      const decided = taken.decided.filter(({ decision_id }) => decision_id !== 0);
      for (let last = decided.pop(); last; last = decided.pop()) {
        await this.#backend.request('review/undo', { session_id: last.session_id });
        // Where a later one fails, the next try takes back what is left, and nothing that was decided before.
        this.taken = { ...taken, decided: [...decided] };
      }
      this.taken = null;
      this.checked = {};
    });
  }

  /** Runs the checks on what the user's folder would become. Nothing is taken. */
  async tryPicks() {
    const { taskId, picks } = this;
    if (taskId === null || picks.length === 0 || this.trying) return;
    const { picked } = this;
    const checks = this.checks.map(({ command, cwd }) => ({ command, cwd }));
    this.#trying = taskId;
    this.#tried = null;
    let tried: Trial | Failure;
    try {
      const answer = await this.#backend.request('attempts/try', { task_id: taskId, picks, checks });
      const { planned, notes } = answer;
      // The comparison may list them in another order by now.
      const ended = Object.fromEntries(
        checks.slice(0, answer.checks.length).map((check, at) => [checkKey(check), answer.checks[at]!]),
      );
      tried = { planned, ended, notes };
    } catch (thrown) {
      tried = failureOf(thrown);
    }
    if (this.#trying === taskId) this.#trying = null;
    // What is picked by now is something else.
    if (this.taskId !== taskId || !isSame(this.picked, picked)) return;
    this.#tried = tried;
    // The files changed since the preview. A new question, though the same is picked: the old answer is not its answer.
    if (this.#isOld(tried)) this.preview.ask([...this.picks]);
  }

  /** Runs checks in the user's folder, one after the other. */
  async check(checks: Check[]) {
    const { taskId } = this;
    if (taskId === null || this.checking !== null) return;
    for (const { command, cwd } of checks) {
      const key = checkKey({ command, cwd });
      this.checking = key;
      let ended: Checked | Failure;
      try {
        ended = await this.#backend.request('attempts/check', { task_id: taskId, command, cwd });
      } catch (thrown) {
        ended = failureOf(thrown);
      }
      if (this.taskId !== taskId) break;
      this.checked = { ...this.checked, [key]: ended };
      // Who stops one wants none of the others.
      if ('passed' in ended && !ended.passed && ended.code === null) break;
    }
    this.checking = null;
  }

  async stopCheck() {
    const { taskId } = this;
    if (taskId !== null) await this.#backend.request('attempts/stop_check', { task_id: taskId });
  }

  #isOld(tried: Trial | Failure | null): boolean {
    return tried !== null && 'planned' in tried && tried.planned !== this.preview.answer?.planned;
  }

  async #do(work: () => Promise<void>): Promise<boolean> {
    this.busy = true;
    let done = true;
    try {
      await work();
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
      done = false;
    }
    const { failure } = this;
    await this.load();
    if (!done) this.failure = failure;
    this.busy = false;
    return done;
  }

  #pick(picked: ReadonlySet<string>) {
    if (!isSame(picked, this.picked)) this.#tried = null;
    this.picked = picked;
    this.preview.ask(this.picks.length > 0 ? this.picks : null);
  }

  #all() {
    return (this.comparison?.attempts ?? []).flatMap(({ session }, at) =>
      this.pendingOf(at).map((one) => ({ ...one, key: pickKey(session.id, one.path, one.hunk) })),
    );
  }

  #picks(): Pick[] {
    return (this.comparison?.attempts ?? []).flatMap(({ session }, at): Pick[] => {
      const session_id = session.id;
      const chosen = (one: { path: string; hunk: Hunk }) =>
        this.picked.has(pickKey(session_id, one.path, one.hunk));
      const all = this.pendingOf(at);
      const wanted = all.filter(chosen);
      if (wanted.length === 0) return [];
      if (wanted.length === all.length) return [{ session_id, target: { type: 'all' } }];
      const paths = [...new Set(wanted.map(({ path }) => path))];
      return paths.flatMap((path): Pick[] => {
        const of = wanted.filter((one) => one.path === path);
        if (of.length === all.filter((one) => one.path === path).length)
          return [{ session_id, target: { type: 'file', path } }];
        return of.map(({ hunk: { hunk, id } }) => ({ session_id, target: { type: 'hunk', path, hunk, id } }));
      });
    });
  }

  #checks(): Check[] {
    const checks: Check[] = [];
    for (const { number, session, checks: ran } of this.comparison?.attempts ?? []) {
      const { sandbox } = session.policy;
      for (const { command, cwd, passed } of ran) {
        let known = checks.find((other) => checkKey(other) === checkKey({ command, cwd }));
        if (!known) {
          known = { command, cwd, passedIn: [], sandbox };
          checks.push(known);
        }
        if (passed) known.passedIn.push(number);
      }
    }
    return checks.filter(({ passedIn }) => passedIn.length > 0);
  }
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((key) => b.has(key));
}

export function pickKey(sessionId: string, path: string, { hunk, id }: Hunk): string {
  return JSON.stringify([sessionId, path, hunk, id]);
}

export function checkKey({ command, cwd }: { command: string; cwd?: string }): string {
  return JSON.stringify([command, cwd ?? '']);
}

export function pendingIn(file: ReviewFile | null | undefined): Hunk[] {
  return file?.hunks.filter(({ state }) => state === 'pending') ?? [];
}

/** Hunks of several attempts that touch the same place, beside each other. */
export type Abreast = Hunk[][];

/** The hunks of a file in rows: a row holds, for each attempt, those that touch the same lines of the file as it was. */
export function abreast(attempts: (ReviewFile | null)[]): Abreast[] {
  const placed = attempts.flatMap((file, at) =>
    (file?.hunks ?? []).map((hunk) => ({ hunk, at, ...placeOf(hunk) })),
  );
  placed.sort((a, b) => a.first - b.first || a.at - b.at);
  const rows: { last: number; cells: Abreast }[] = [];
  for (const { hunk, at, first, last } of placed) {
    let row = rows.at(-1);
    if (!row || first > row.last) {
      row = { last, cells: attempts.map(() => []) };
      rows.push(row);
    }
    row.last = Math.max(row.last, last);
    row.cells[at]?.push(hunk);
  }
  return rows.map(({ cells }) => cells);
}

const changes = new WeakMap<Hunk, string>();

/** Whether two hunks make the same of the same lines, whatever stands around them. */
export function sameChange(a: Hunk, b: Hunk): boolean {
  return a.added === b.added && a.removed === b.removed && changeOf(a) === changeOf(b);
}

function changeOf(hunk: Hunk): string {
  let change = changes.get(hunk);
  if (change === undefined) {
    const lines = hunk.lines.flatMap(({ kind, text }) => (kind === 'context' ? [] : [[kind, text]]));
    change = JSON.stringify([placeOf(hunk).first, lines]);
    changes.set(hunk, change);
  }
  return change;
}

/** The lines that a hunk takes away, as the file had them; for one that only adds, the line that it stands before. */
function placeOf({ lines }: Hunk): { first: number; last: number } {
  const changed = lines.flatMap(({ kind, old }) => (kind === 'removed' && old !== null ? [old] : []));
  if (changed.length > 0) return { first: Math.min(...changed), last: Math.max(...changed) };
  const added = lines.findIndex(({ kind }) => kind === 'added');
  const before = lines.slice(0, Math.max(added, 0)).findLast(({ old }) => old !== null);
  const at = before?.old == null ? 1 : before.old + 1;
  return { first: at, last: at };
}

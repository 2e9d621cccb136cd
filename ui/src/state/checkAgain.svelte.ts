/** A check that the user runs again: which one, and what is to be told of it beside the list of checks. */

import { failureOf, type Backend } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { TaskCheck } from '../protocol/TaskCheck';

type Line = Pick<TaskCheck, 'command' | 'cwd'>;

export class CheckAgain {
  /** The one that runs because of a click in this window. */
  now: Line | null = $state.raw(null);
  /** How many files the last one changed: it then says nothing about them. */
  changed = $state(0);
  /** Why the last one did not run. */
  failure: Failure | null = $state.raw(null);

  #backend: Backend;
  #sessionId: string;
  #ended: () => Promise<void>;

  constructor(backend: Backend, sessionId: string, ended: () => Promise<void>) {
    this.#backend = backend;
    this.#sessionId = sessionId;
    this.#ended = ended;
  }

  isOf(check: Line): boolean {
    return this.now !== null && lineOf(this.now) === lineOf(check);
  }

  async run({ command, cwd = '' }: Line) {
    if (this.now) return;
    this.now = { command, cwd };
    this.changed = 0;
    this.failure = null;
    try {
      const check = { session_id: this.#sessionId, command, cwd };
      this.changed = (await this.#backend.request('review/check', check)).changed;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
    await this.#ended();
    this.now = null;
  }

  /** Stops the check that runs for a task, whoever began it. */
  async stop(taskId: string) {
    try {
      await this.#backend.request('attempts/stop_check', { task_id: taskId });
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }
}

/** Names a check, whichever of its runs is meant. */
export function lineOf({ command, cwd = '' }: Line): string {
  return `${cwd}\n${command}`;
}

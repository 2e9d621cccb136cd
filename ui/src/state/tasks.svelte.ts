/** The tasks of all projects, as the sidebar lists them. */

import type { Backend } from '../backend/backend';
import { failureOf } from '../backend/backend';
import type { AttemptState } from '../protocol/AttemptState';
import type { Event } from '../protocol/Event';
import type { Failure } from '../protocol/Failure';
import type { Session } from '../protocol/Session';
import type { SessionHit } from '../protocol/SessionHit';
import type { SessionState } from '../protocol/SessionState';

export interface Groups {
  running: Session[];
  /** A question waits, or Kerf stopped in the middle. */
  needsYou: Session[];
  done: Session[];
}

export class Tasks {
  all: Session[] = $state.raw([]);
  loaded = $state(false);
  failure: Failure | null = $state.raw(null);
  /** Whether archived tasks are listed too. */
  archived = $state(false);
  /** When the running turn of a task began, where this window knows it. */
  started: Record<string, number> = $state.raw({});
  /** How many hunks waited for a decision when a task was last open. */
  hunks: Record<string, number> = $state.raw({});

  groups: Groups = $derived({
    running: this.all.filter(({ state }) => state === 'running'),
    needsYou: this.all.filter(({ state }) => state === 'waiting' || state === 'interrupted'),
    done: this.all.filter(({ state }) => state === 'idle'),
  });

  #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async load() {
    try {
      this.all = await this.#backend.request('session/list', {
        folder: null,
        archived: this.archived,
        limit: null,
      });
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
    this.loaded = true;
  }

  find(id: string): Session | undefined {
    return this.all.find((session) => session.id === id);
  }

  /** The attempts of a session's task, the first first. */
  attemptsOf({ task_id }: Session): Session[] {
    return this.all.filter((session) => session.task_id === task_id).sort(byNumber);
  }

  /** Takes a session up, new or changed. */
  put(session: Session) {
    this.all = [session, ...this.all.filter(({ id }) => id !== session.id)];
  }

  apply(event: Event) {
    if (event.type === 'turn.started') this.turnStarted(event.session_id, Date.now());
    const state = stateAfter(event);
    if (!state) return;
    const known = this.find(event.session_id);
    if (!known) void this.load();
    else if (known.state !== state) this.#replace({ ...known, state });
    // The title comes from the first message, and the order from what was last touched.
    if (event.type === 'turn.started' || event.type === 'turn.completed' || event.type === 'turn.failed')
      void this.load();
  }

  turnStarted(id: string, at: number) {
    this.started = { ...this.started, [id]: at };
  }

  search(query: string): Promise<SessionHit[]> {
    return this.#backend.request('session/search', { query, folder: null, limit: 50 });
  }

  async rename(id: string, title: string) {
    await this.#backend.request('session/rename', { session_id: id, title });
    await this.load();
  }

  async archive(id: string, archived: boolean) {
    await this.#backend.request('session/archive', { session_id: id, archived });
    await this.load();
  }

  async delete(id: string) {
    await this.#backend.request('session/delete', { session_id: id });
    await this.load();
  }

  /** The tasks in the order of the sidebar. */
  inOrder(): Session[] {
    const { running, needsYou, done } = this.groups;
    return [...running, ...needsYou, ...done];
  }

  #replace(session: Session) {
    this.all = this.all.map((other) => (other.id === session.id ? session : other));
  }
}

/** Attempts are made one after the other, and their ids rise with time. */
export function byNumber(a: Session, b: Session): number {
  return a.created_at - b.created_at || (a.id < b.id ? -1 : 1);
}

/** How far an attempt is, as far as the list knows. */
export function stateOf(session: Session): AttemptState {
  if (session.state === 'running' || session.state === 'waiting') return 'running';
  if (session.state === 'interrupted') return 'interrupted';
  // Nothing was ever said in it.
  return session.updated_at === session.created_at ? 'queued' : 'completed';
}

function stateAfter(event: Event): SessionState | null {
  switch (event.type) {
    case 'turn.started':
    case 'item.started':
      return 'running';
    case 'approval.requested':
      return 'waiting';
    case 'item.completed':
      return event.item.type === 'approval' ? 'running' : null;
    case 'turn.completed':
    case 'turn.failed':
      return 'idle';
    default:
      return null;
  }
}

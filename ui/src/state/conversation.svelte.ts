/** The conversation of one session: its items in order, built from what is stored and the events after it. */

import type { Attached } from '../protocol/Attached';
import type { ContextUse } from '../protocol/ContextUse';
import type { Event } from '../protocol/Event';
import type { Failure } from '../protocol/Failure';
import type { Isolation } from '../protocol/Isolation';
import type { Item } from '../protocol/Item';
import type { Question } from '../protocol/Question';
import type { Turn } from '../protocol/Turn';
import type { TurnState } from '../protocol/TurnState';
import type { Usage } from '../protocol/Usage';

/** An item that is shown. Only who reads `item` renders again when it grows. */
export class Entry {
  item: Item = $state.raw() as Item;
  /** What never changes is beside it: a list that reads only this does not run again when the item grows. */
  readonly id: string;
  readonly turnId: string;
  readonly createdAt: number;
  /** Whether it is shown as one line: a step that is no command, or reasoning. */
  readonly line: boolean;

  constructor(item: Item) {
    this.id = item.id;
    this.turnId = item.turn_id;
    this.createdAt = item.created_at;
    this.line = item.type === 'reasoning' || (item.type === 'tool_call' && !isCommand(item));
    this.item = item;
  }
}

/** Whether a call is a command: of the model's, or a check that the user ran again. */
export function isCommand({ tool, exit }: Extract<Item, { type: 'tool_call' }>): boolean {
  return tool === 'run_command' || isUsersCheck({ tool, exit });
}

/** A call of a model's by this name ran nothing, and has no exit. */
export function isUsersCheck({
  tool,
  exit,
}: Pick<Extract<Item, { type: 'tool_call' }>, 'tool' | 'exit'>): boolean {
  return tool === 'check' && exit != null;
}

/** A turn without its items. */
export interface TurnHead {
  id: string;
  state: TurnState;
  created_at: number;
  usage: Usage;
  instructions: string[];
}

export interface Retry {
  attempt: number;
  wait_ms: number;
  reason: string;
}

export class Conversation {
  /** All items in order. The array is a new one when an item is added; finished entries never change. */
  entries: Entry[] = $state.raw([]);
  turns: TurnHead[] = $state.raw([]);
  running = $state(false);
  context: ContextUse | null = $state.raw(null);
  isolation: Isolation | null = $state.raw(null);
  /** The question that waits for the user. */
  question: Question | null = $state.raw(null);
  /** A request that is tried again. */
  retry: Retry | null = $state.raw(null);
  /** Why the last turn failed. */
  failure: Failure | null = $state.raw(null);

  /** The entry that somebody wants to see; another object each time. */
  sought: { id: string } | null = $state.raw(null);

  #byId = new Map<string, Entry>();
  #seq = 0;
  /** Events that came while the engine was asked how things are. */
  #early: Event[] | null = null;

  /** From now on events wait for [`attach`]: its answer may be older or newer than they are. */
  expect() {
    this.#early = [];
  }

  /** Starts over from what the engine says now. Events up to its number are in it already. */
  attach({ transcript, seq, context, running }: Attached) {
    const entries: Entry[] = [];
    this.#byId.clear();
    for (const item of transcript.turns.flatMap((turn) => turn.items)) {
      const entry = new Entry(item);
      entries.push(entry);
      this.#byId.set(item.id, entry);
    }
    this.entries = entries;
    this.turns = transcript.turns.map(head);
    this.context = context;
    this.running = running;
    this.retry = null;
    this.failure = null;
    this.#seq = seq;
    this.question = this.#waiting();
    const early = this.#early ?? [];
    this.#early = null;
    early.forEach((event) => this.apply(event));
  }

  /** Applies an event of this session. One that is known already changes nothing. */
  apply(event: Event) {
    if (this.#early) {
      this.#early.push(event);
      return;
    }
    if (event.seq <= this.#seq) return;
    this.#seq = event.seq;
    switch (event.type) {
      case 'session.started':
        this.isolation = event.isolation;
        break;
      case 'turn.started':
        this.running = true;
        this.failure = null;
        this.turns = [
          ...this.turns,
          {
            id: event.turn_id,
            state: 'running',
            created_at: Date.now(),
            usage: NO_USAGE,
            instructions: event.instructions.map(({ path }) => path),
          },
        ];
        break;
      case 'instructions.loaded':
        this.#lastTurn((turn) => ({
          ...turn,
          instructions: [...turn.instructions, ...event.instructions.map(({ path }) => path)],
        }));
        break;
      case 'item.started':
      case 'item.completed':
        this.retry = null;
        this.#put(event.item);
        break;
      case 'item.updated':
        this.#grow(event.item_id, event.delta);
        break;
      case 'approval.requested':
        this.question = event.question;
        break;
      case 'request.retried':
        this.retry = event;
        break;
      case 'context.updated':
        this.context = event.context;
        break;
      case 'turn.completed':
        this.#end(event.cancelled ? 'cancelled' : 'completed', event.usage);
        break;
      case 'turn.failed':
        this.failure = event.error;
        this.#end('failed', event.usage);
        break;
    }
  }

  find(id: string): Entry | undefined {
    // What is found changes with the entries.
    void this.entries;
    return this.#byId.get(id);
  }

  /** Brings an entry into view, wherever the conversation is shown. False: there is none. */
  seek(id: string): boolean {
    if (!this.#byId.has(id)) return false;
    this.sought = { id };
    return true;
  }

  #put(item: Item) {
    const entry = this.#byId.get(item.id);
    if (entry) {
      entry.item = item;
    } else {
      const added = new Entry(item);
      this.#byId.set(item.id, added);
      this.entries = [...this.entries, added];
    }
    if (item.type === 'approval') this.question = this.#waiting();
  }

  #grow(id: string, delta: string) {
    const entry = this.#byId.get(id);
    if (!entry) return;
    const { item } = entry;
    if (item.type === 'tool_call') entry.item = { ...item, output: item.output + delta };
    else if ('text' in item) entry.item = { ...item, text: item.text + delta };
  }

  #waiting(): Question | null {
    const last = this.entries.findLast(({ item }) => item.type === 'approval')?.item;
    return last?.type === 'approval' && last.answer === null && last.status === 'waiting'
      ? last.question
      : null;
  }

  #end(state: TurnState, usage: Usage) {
    this.running = false;
    this.question = null;
    this.retry = null;
    this.#lastTurn((turn) => ({ ...turn, state, usage }));
  }

  #lastTurn(change: (turn: TurnHead) => TurnHead) {
    const last = this.turns.at(-1);
    if (last) this.turns = [...this.turns.slice(0, -1), change(last)];
  }
}

const NO_USAGE: Usage = {
  input_tokens: 0,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  estimated: false,
};

function head({ id, state, created_at, usage }: Turn): TurnHead {
  return { id, state, created_at, usage, instructions: [] };
}

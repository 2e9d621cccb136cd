/** The task that the tests of this folder stand on: entries of each kind, and the view with them. */

import { fakeBackend } from '../../backend/fake';
import { overFiles } from '../../backend/fakeFiles';
import type { Item } from '../../protocol/Item';
import type { Question } from '../../protocol/Question';
import type { QuestionAbout } from '../../protocol/QuestionAbout';
import type { TurnState } from '../../protocol/TurnState';
import type { Kerf } from '../../state/kerf.svelte';
import { OpenTask } from '../../state/kerf.svelte';
import { mountWith, project, session } from '../../testing';
import TaskView from './TaskView.svelte';

const MONEY = 'pub struct Money {}\n\npub fn split(money: Money) {}\n';

export const ID = 'session-t';
export const base = { turn_id: 'turn-1', created_at: 0, status: 'completed', step: 1, part: 1 } as const;
export const said = (id: string, text: string): Item => ({ ...base, id, type: 'user_message', text });
export const told = (id: string, text: string): Item => ({ ...base, id, type: 'agent_message', text });
export function question(about: QuestionAbout, more: Partial<Question> = {}): Item {
  const session = ['command', 'edit'].includes(about.type) ? { session: 'exactly this' } : {};
  return {
    ...base,
    id: 'a1',
    status: 'waiting',
    type: 'approval',
    answer: null,
    question: { id: 'q1', item_id: 'c1', about, ...session, ...more },
  };
}

export const asks = question({
  type: 'command',
  command: 'rm -rf \u202etarget',
  cwd: '',
  isolation: { level: 'full' },
});

export const ran: Extract<Item, { type: 'tool_call' }> = {
  ...base,
  id: 'c2',
  type: 'tool_call',
  call_id: 'x',
  tool: 'run_command',
  arguments: { command: 'cargo test -p money refund' },
  title: 'Run cargo test -p money refund',
  output: 'running 18 tests\n\u001b[32mtest result: ok\u001b[0m. 18 passed; 0 failed\n',
  exit: { code: 0, timed_out: false, isolation: { level: 'full' } },
  duration_ms: 4100,
};
export const edited: Extract<Item, { type: 'tool_call' }> = {
  ...base,
  id: 'c3',
  type: 'tool_call',
  call_id: 'y',
  tool: 'edit_file',
  arguments: { path: 'src/money.rs' },
  title: 'Edit src/money.rs',
  output: 'done',
  changes: [{ path: 'src/money.rs', kind: 'modified' }],
};

type Handlers = NonNullable<Parameters<typeof fakeBackend>[0]>;

function backendOf(items: Item[], running: boolean, state: TurnState, more: Handlers) {
  return fakeBackend({
    'session/attach': () => ({
      transcript: {
        session: session({ id: ID }),
        turns: [{ id: 'turn-1', state, created_at: 0, usage: session().usage, items }],
      },
      seq: 0,
      context: { tokens: 3100, window: 10000, estimated: true },
      running,
    }),
    'session/answer': () => ({}),
    'session/prompt': () => (running ? 'queued' : 'started'),
    'session/cancel': () => ({}),
    'session/configure': () => session({ id: ID }),
    'session/new': () => session({ id: 'new' }),
    'review/outline': () => ({ paths: [], files: [] }),
    ...overFiles({ files: { 'src/money.rs': MONEY, 'docs/odd name.md': 'Money\n' } }),
    ...more,
  });
}

/** The view of a task with one turn. */
export async function view(
  items: Item[],
  running = false,
  more: Handlers = {},
  state: TurnState = running ? 'running' : 'completed',
) {
  const backend = backendOf(items, running, state, more);
  return await mountWith(TaskView, {
    backend,
    prepare: async (kerf) => {
      kerf.projects = [project()];
      kerf.project = project();
      kerf.tasks.put(session({ id: ID }));
      kerf.task = new OpenTask(backend, ID);
      kerf.task.conversation.attach(await backend.request('session/attach', { session_id: ID }));
      kerf.task.loaded = true;
    },
  });
}

/** The view before a task begins. Each test has a project of its own: a draft outlives the view. */
export async function viewOfNone(
  name: string,
  prepare: (kerf: Kerf) => unknown = () => {},
  more: Handlers = {},
) {
  return await mountWith(TaskView, {
    backend: backendOf([], false, 'completed', more),
    prepare: (kerf) => {
      kerf.project = project({ id: name, name });
      kerf.projects = [kerf.project];
      kerf.endpoints.loaded = true;
      prepare(kerf);
    },
  });
}

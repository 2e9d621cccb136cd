/** The engine that the tests of the whole window stand on: two projects, a task in each state, and endpoints. */

import { fakeBackend } from '../backend/fake';
import { overFiles } from '../backend/fakeFiles';
import { FILES } from '../features/search/sample';
import type { Endpoint } from '../protocol/Endpoint';
import type { LedgerRow } from '../protocol/LedgerRow';
import type { LedgerTotal } from '../protocol/LedgerTotal';
import type { Session } from '../protocol/Session';
import { dayOf } from '../state/ledger.svelte';
import { project, session } from '../testing';

const HOUR = 3_600_000;

export function sessions(now = Date.now()): Session[] {
  return [
    session({ id: 'run', title: 'Split the billing retry queue', state: 'running', updated_at: now }),
    session({ id: 'ask', title: 'Refunds round the wrong way', state: 'waiting', updated_at: now }),
    session({ id: 'stop', title: 'Upgrade sqlx to 0.9', state: 'interrupted', updated_at: now }),
    session({ id: 'old', title: 'Explain settlement windows', updated_at: now - 400 * HOUR }),
    session({
      id: 'past',
      title: `A very long title ${'that goes on '.repeat(20)}`,
      updated_at: now - 500 * HOUR,
    }),
  ];
}

export function ledgerRow(change: Partial<LedgerRow> = {}): LedgerRow {
  return {
    id: 1,
    at: Date.now(),
    host: '127.0.0.1:11434',
    target: 'POST /v1/chat/completions',
    purpose: 'turn',
    session_id: 'run',
    turn_id: null,
    bytes: 312_000,
    hash: 'ab12'.repeat(16),
    files: [{ path: 'src/money.rs', first_line: 1, last_line: 80 }],
    folder: '/projects/ledgerd',
    ...change,
  };
}

/** What went out today. */
export function ledgerTotal(change: Partial<LedgerTotal> = {}): LedgerTotal {
  return {
    key: dayOf(Date.now()),
    folder: null,
    title: null,
    requests: 1,
    bytes: 312_000,
    first_at: Date.now(),
    last_at: Date.now(),
    hosts: ['127.0.0.1:11434'],
    ...change,
  };
}

export function configured(change: Partial<Endpoint> = {}): Endpoint {
  return {
    ...session().endpoint,
    name: 'work',
    base_url: 'https://models.work/v1',
    origin: 'configured',
    ...change,
  };
}

type Handlers = NonNullable<Parameters<typeof fakeBackend>[0]>;

/** Answers what the window asks for when it opens; the test says what differs. */
export function engine(change: Handlers = {}) {
  const listed = sessions();
  return fakeBackend({
    'project/list': () => [
      project(),
      project({ id: 'project-2', name: 'storefront', path: '/projects/storefront' }),
    ],
    'project/status': () => ({ branch: 'main', ahead: 2, behind: 1 }),
    ...overFiles({ files: FILES }),
    'project/remove': () => ({}),
    'session/list': () => listed,
    'session/search': () => [],
    'session/rename': () => ({}),
    'session/archive': () => ({}),
    'session/delete': () => ({}),
    'session/attach': ({ session_id }) => ({
      transcript: { session: listed.find(({ id }) => id === session_id) ?? session(), turns: [] },
      seq: 0,
      context: null as never,
      running: false,
    }),
    'review/outline': () => ({ paths: [], files: [] }),
    'review/checks': () => [],
    'review/comments': () => [],
    'settings/show': () => ({
      appearance: {
        theme: 'dark',
        text_size: 100,
        diff_colours: 'standard',
        diff_layout: 'unified',
        fold_white_space: false,
      },
      policy: { sandbox: 'workspace-write', approve: 'ask' },
      keys: {},
      editor: '',
      notifications: 'on',
      reach: 'endpoint',
      prices: {},
      network: { allow: [] },
      attempts_at_once: 0,
      checkpoint_room: 0,
    }),
    'settings/change': () => ({}),
    'endpoint/list': () => [],
    'endpoint/presets': () => [],
    'endpoint/discover': () => [],
    'ledger/list': () => [ledgerRow()],
    'ledger/totals': () => [ledgerTotal()],
    doctor: () => [],
    ...change,
  });
}

/** How the conversation says what was done and how it went. */

import { counted, elapsed } from '../../components/format';
import type { Exit } from '../../protocol/Exit';
import type { Isolation } from '../../protocol/Isolation';
import type { Item } from '../../protocol/Item';
import type { ItemStatus } from '../../protocol/ItemStatus';
import type { NetworkLevel } from '../../protocol/NetworkLevel';
import type { Secrets } from '../../protocol/Secrets';
import type { TurnState } from '../../protocol/TurnState';

export function seconds(ms: number): string {
  if (ms < 950) return `${Math.round(ms)} ms`;
  return ms < 59_950 ? `${(ms / 1000).toFixed(1)} s` : elapsed(ms);
}

/** What an isolated command could connect to. */
export function networkWords(level: NetworkLevel | undefined): string {
  const { hosts, asks } = level ?? { hosts: 0, asks: false };
  if (hosts === 0) return asks ? 'network: asks you' : 'network: off';
  return `network: ${counted(hosts, 'host')}`;
}

/** The same in as few words as a line has room for. */
export function isolationBrief(isolation: Isolation, network?: NetworkLevel): string {
  switch (isolation.level) {
    case 'full':
      return `sandboxed · ${networkWords(network)}`;
    case 'reduced':
      return `partly sandboxed · ${networkWords(network)}`;
    default:
      return 'not sandboxed';
  }
}

export function isolationWords(isolation: Isolation, network?: NetworkLevel): string {
  switch (isolation.level) {
    case 'full':
      return `sandboxed · ${networkWords(network)}`;
    case 'reduced':
      return `partly sandboxed, not covered: ${isolation.missing.join(', ')}`;
    case 'off':
      return 'not sandboxed: the sandbox is off';
    case 'unavailable':
      return `not sandboxed: ${isolation.reason}`;
  }
}

export function exitWords({ code, timed_out }: Exit): string {
  if (timed_out) return 'ran out of time';
  if (code === null) return 'was stopped';
  return code === 0 ? 'succeeded' : `failed with exit code ${code}`;
}

const ENDED = /^(exit code -?\d+|stopped: it ran out of time|stopped by the user) after [\d.]+ s(\n|$)/;

/** What a command said. How it ended stands at its head, and is told to the model in the first line of the same text. */
export function outputOf(output: string, exit: Exit | null | undefined): string {
  return exit ? output.replace(ENDED, '') : output;
}

/** Why a call failed or was denied: the first line of what it said. That of a command that ran is no reason. */
export function reasonOf({ status, exit, output }: Extract<Item, { type: 'tool_call' }>): string {
  if (exit || (status !== 'failed' && status !== 'denied')) return '';
  return /\S.*/.exec(output)?.[0] ?? '';
}

/** A shape and a word: a state is never told by its colour alone. */
export const STATUS: Record<ItemStatus, { sign: string; word: string }> = {
  running: { sign: '◐', word: 'running' },
  waiting: { sign: '?', word: 'waits for you' },
  completed: { sign: '✓', word: '' },
  failed: { sign: '✕', word: 'failed' },
  denied: { sign: '⊘', word: 'denied' },
  cancelled: { sign: '■', word: 'stopped' },
  interrupted: { sign: '‖', word: 'interrupted' },
};

export const TURN: Record<TurnState, string> = {
  running: '',
  completed: '',
  failed: 'failed',
  cancelled: 'stopped by you',
  interrupted: 'interrupted: Kerf stopped in the middle',
};

const PAST: [RegExp, string][] = [
  [/^Search for /, 'Searched for '],
  [/^List /, 'Listed '],
  [/^Find files /, 'Looked for files '],
  [/^Edit /, 'Edited '],
  [/^Write /, 'Wrote '],
  [/^Patch /, 'Patched '],
  [/^Ask: /, 'Asked: '],
];

/** A step's title as a thing done; one that did not end well keeps the words of what was to be done. */
export function titleOf(title: string, status: ItemStatus): string {
  if (status !== 'completed') return title;
  for (const [now, past] of PAST) if (now.test(title)) return title.replace(now, past);
  return title;
}

/** What a call's output had of secrets; empty when it had none. */
export function secretWords(secrets: Secrets | undefined): string {
  if (!secrets) return '';
  const [first, ...more] = secrets.doubtful;
  return [
    secrets.concealed > 0 &&
      `${counted(secrets.concealed, 'secret')} replaced by placeholders before sending`,
    first &&
      `line ${first.line} looks like a secret and was sent as it stands (${first.rule})${more.length > 0 ? `, and ${more.length} more` : ''}`,
  ]
    .filter(Boolean)
    .join('; ');
}

/** The words of the status bar. */

import type { ApproveMode } from '../protocol/ApproveMode';
import type { Isolation } from '../protocol/Isolation';
import type { SandboxMode } from '../protocol/SandboxMode';
import type { Sent } from '../state/ledger.svelte';

export interface SandboxWords {
  words: string;
  /** More of it, for who points at it. */
  why: string;
  mark: 'safe' | 'open';
}

/** What commands may touch, and how far that is held on this machine. */
export function sandboxWords(mode: SandboxMode, isolation: Isolation | null): SandboxWords {
  if (mode === 'off' || isolation?.level === 'off')
    return { words: 'off', why: 'Commands run with all your rights', mark: 'open' };
  const asked = mode === 'read-only' ? 'read only, network off' : 'workspace write, network off';
  if (isolation?.level === 'unavailable')
    return { words: 'not available here', why: isolation.reason, mark: 'open' };
  if (isolation?.level === 'reduced')
    return { words: `${asked}, in part`, why: `Not covered: ${isolation.missing.join(', ')}`, mark: 'open' };
  return { words: asked, why: '', mark: 'safe' };
}

export function approvalWords(mode: ApproveMode): string {
  return {
    ask: 'asks before each edit and command',
    auto: 'asks beyond the sandbox',
    never: 'never asks, refuses beyond the sandbox',
  }[mode];
}

/** The hosts, the first two by name. */
export function sentWords({ hosts }: Sent): string {
  if (hosts.length === 1) return `${hosts[0]} only`;
  const rest = hosts.length - 2;
  return hosts.slice(0, 2).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** The words of the status bar. */

import { counted, day } from '../components/format';
import type { ApproveMode } from '../protocol/ApproveMode';
import type { IndexStatus } from '../protocol/IndexStatus';
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
  const asked = mode === 'read-only' ? 'read only, network off' : 'workspace, network off';
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

/** How long ago something was, in words. */
export function agoWords(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return day(at, now) === 'Yesterday' ? 'yesterday' : day(at, now);
}

/** How long something will take, about. */
export function leftWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 10) return 'a few seconds left';
  if (seconds < 90) return `about ${Math.round(seconds / 10) * 10} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}

/** The index in a line. */
export function indexWords({ state, files, changed_at }: IndexStatus, now: number): string {
  switch (state.type) {
    case 'building': {
      const left = state.left_ms === null ? '' : ` · ${leftWords(state.left_ms)}`;
      return `Indexing ${state.files_done.toLocaleString()} of ${counted(state.files_total, 'file')}${left}`;
    }
    case 'ready':
      return `${counted(files, 'file')} indexed${changed_at === null ? '' : ` · ${agoWords(changed_at, now)}`}`;
    case 'off':
      return 'not indexed: searches read the files';
  }
}

/** The hosts, the first two by name. */
export function sentWords({ hosts }: Sent): string {
  if (hosts.length === 1) return `${hosts[0]} only`;
  const rest = hosts.length - 2;
  return hosts.slice(0, 2).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

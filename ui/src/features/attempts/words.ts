/** What attempts are in words: states, checks, what they used. */

import type { Attempt } from '../../protocol/Attempt';
import type { AttemptState } from '../../protocol/AttemptState';
import type { FileStatus } from '../../protocol/FileStatus';
import type { Check } from '../../state/attempts.svelte';
import { costWords } from '../../state/cost';

export const STATE: Record<AttemptState, string> = {
  queued: 'waits for its turn',
  running: 'works',
  completed: 'done',
  failed: 'failed',
  cancelled: 'stopped',
  interrupted: 'interrupted',
};

export const STATUS: Record<FileStatus, string> = {
  created: 'added',
  modified: '',
  deleted: 'deleted',
  renamed: 'renamed',
  mode: 'permissions changed',
  replaced: 'became something else',
};

/** How a check ended: `passed`, `failed with exit code 101`. */
export function checkWords({ passed, code }: { passed: boolean; code: number | null }): string {
  if (passed) return 'passed';
  return code === null ? 'stopped' : `failed with exit code ${code}`;
}

/** How checks are isolated that run here; those that are not say so themselves. */
export function isolationOf(checks: Check[]): string {
  const off = checks.filter(({ sandbox }) => sandbox === 'off').length;
  if (off === 0) return 'in the sandbox, without a network';
  return off === checks.length
    ? 'not sandboxed: the sandbox of the attempts that ran them is off'
    : 'in the sandbox, without a network; what says so is not sandboxed';
}

export function tokensOf({ session }: Attempt): string {
  const { input_tokens, output_tokens } = session.usage;
  return `${(input_tokens + output_tokens).toLocaleString()} tokens`;
}

/** A cost is in hundredths of a cent. */
export function costOfAttempt({ cost }: Attempt): string {
  return cost === null ? '' : costWords(cost / 1e4);
}

/** `1 and 3`, `1, 2 and 4`. */
export function listed(numbers: number[]): string {
  if (numbers.length < 2) return numbers.join('');
  return `${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)}`;
}

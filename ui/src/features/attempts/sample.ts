/** Attempts for tests: three that went different ways. */

import type { Attempt } from '../../protocol/Attempt';
import type { ComparedFile } from '../../protocol/ComparedFile';
import type { Comparison } from '../../protocol/Comparison';
import type { Hunk } from '../../protocol/Hunk';
import type { ReviewFile } from '../../protocol/ReviewFile';
import { session } from '../../testing';

/** A hunk from lines that begin with ` `, `-` or `+`, numbered from `at`. */
export function hunk(number: number, at: number, texts: string[], change: Partial<Hunk> = {}): Hunk {
  let [old, now] = [at, at];
  const lines = texts.map((text): Hunk['lines'][number] => ({
    kind: text.startsWith('+') ? 'added' : text.startsWith('-') ? 'removed' : 'context',
    old: text.startsWith('+') ? null : old++,
    new: text.startsWith('-') ? null : now++,
    text: text.slice(1),
  }));
  return {
    hunk: number,
    id: number * 10,
    state: 'pending',
    header: '',
    added: lines.filter(({ kind }) => kind === 'added').length,
    removed: lines.filter(({ kind }) => kind === 'removed').length,
    authors: [],
    lines,
    ...change,
  };
}

export function file(path: string, ...hunks: Hunk[]): ReviewFile {
  return { path, status: 'modified', hunks };
}

export function attempt(number: number, change: Partial<Attempt> = {}): Attempt {
  return {
    number,
    session: session({
      id: `attempt-${number}`,
      task_id: 'task',
      title: 'Round refunds to even',
      worktree_of: '/projects/ledgerd',
      created_at: 1_760_000_000_000 + number,
    }),
    state: 'completed',
    files: 2,
    hunks: 3,
    added: 4,
    removed: 2,
    checks: [{ command: 'cargo test -p money', passed: true, code: 0 }],
    duration_ms: 134_000,
    cost: 1234,
    ...change,
  };
}

/** Attempts 1 and 3 agree about the first hunk; 2 puts something else there, and adds one. */
export function comparison(change: Partial<Comparison> = {}): Comparison {
  const first = (to: string) => hunk(1, 3, [' fn split() {', '-    up();', `+    ${to}();`, ' }']);
  const money = (to: string, ...more: Hunk[]) => file('src/money.rs', first(to), ...more);
  const files: ComparedFile[] = [
    {
      path: 'src/money.rs',
      attempts: [
        money('half_even'),
        money('bankers', hunk(2, 40, [' // end', '+fn rest() {}'])),
        money('half_even'),
      ],
      same: [[0, 2]],
    },
    {
      path: 'tests/rounding.rs',
      attempts: [null, { ...file('tests/rounding.rs', hunk(1, 1, ['+#[test]'])), status: 'created' }, null],
      same: [],
    },
  ];
  return {
    task_id: 'task',
    request: 'Round refunds to even',
    attempts: [
      attempt(1),
      attempt(2, {
        checks: [
          { command: 'cargo test -p money', passed: true, code: 0 },
          { command: 'cargo clippy', passed: false, code: 101 },
        ],
      }),
      attempt(3, {
        state: 'cancelled',
        stopped: 'stopped at its budget: it has used 21,000 of its 20,000 tokens',
        checks: [],
      }),
    ],
    files,
    ...change,
  };
}

/** The review desk of a task over a review that is kept in memory, for tests. */

import { fakeBackend, type FakeBackend } from '../../backend/fake';
import { isPlain } from '../../components/visible';
import { OpenTask } from '../../state/kerf.svelte';
import type { Decide } from '../../protocol/Decide';
import type { HeldHunk } from '../../protocol/HeldHunk';
import type { ReviewFile } from '../../protocol/ReviewFile';
import { askedFor, mountWith, session } from '../../testing';
import ReviewDesk from './ReviewDesk.svelte';
import { overReview } from './sample';

export const ID = 'session-r';

export const MONEY = 'crates/money/src/money.rs';

/** An engine that keeps a review: decisions are carried out as the engine would, apart from lines. */
export function engine(files: ReviewFile[]) {
  let now = files;
  let before = files;
  const backend = fakeBackend({
    ...overReview(() => now),
    'review/decide': ({ decision, target }: Decide) => {
      before = now;
      const state = decision === 'accept' ? 'accepted' : 'rejected';
      const held: HeldHunk[] = [];
      now = now.map((file) => ({
        ...file,
        hunks: file.hunks.map((hunk) => {
          const meant =
            target.type === 'hunk' || target.type === 'lines'
              ? target.path === file.path && target.hunk === hunk.hunk
              : hunk.state === 'pending' &&
                (target.type === 'all' || (target.path ?? file.path) === file.path);
          const hides = hunk.lines.some(({ kind, text }) => kind !== 'context' && !isPlain(text));
          if (meant && hides && state === 'accepted' && target.type !== 'hunk') {
            held.push({ path: file.path, hunk: hunk.hunk });
            return hunk;
          }
          return meant ? { ...hunk, state } : hunk;
        }),
      }));
      return { session_id: ID, decision_id: 1, hunks: 1, held, written: [] };
    },
    'review/undo': () => {
      now = before;
      return { session_id: ID, decision_id: 1, hunks: 1, written: [] };
    },
    'settings/change': () => ({}),
    'review/commit': () => ({
      oid: '3f9c2ab41d00',
      files: ['CHANGELOG.md'],
      not_run: ['the hook pre-commit'],
    }),
  });
  return backend;
}

export async function desk(files: ReviewFile[], backend: FakeBackend = engine(files)) {
  return await mountWith(ReviewDesk, {
    backend,
    prepare: async (kerf) => {
      kerf.tasks.put(session({ id: ID }));
      kerf.task = new OpenTask(backend, ID);
      kerf.task.conversation.turns = [
        { id: 'turn-1', state: 'completed', created_at: 0, usage: session().usage, instructions: [] },
      ];
      await kerf.task.review.load();
    },
  });
}

/** What was decided, in order. */
export function decisions(backend: FakeBackend) {
  return askedFor(backend, 'review/decide').map((params) => {
    const { decision, target } = params as Decide;
    return [decision, target];
  });
}

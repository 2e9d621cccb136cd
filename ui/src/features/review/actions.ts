/** The actions of the review desk. */

import type { Action } from '../../app/actions.svelte';
import { lengthOf } from '../../diff/hunk';
import type { Desk } from './desk.svelte';

export function reviewActions(desk: Desk): Action[] {
  const { review } = desk;
  const fileNow = () => review.file(review.current?.path ?? '');
  const decides = () => !review.busy && !review.readOnly;
  const waits = () => decides() && (fileNow()?.hunks.some(({ state }) => state === 'pending') ?? false);
  const someWait = () => decides() && review.counts.pending > 0;
  const group = 'Review';
  return [
    {
      id: 'review.accept',
      title: 'Accept hunk or selected lines',
      group,
      keys: 'Y',
      enabled: () => desk.canDecide('accept'),
      run: () => desk.decide('accept'),
    },
    {
      id: 'review.reject',
      title: 'Reject hunk or selected lines',
      group,
      keys: 'N',
      enabled: () => desk.canDecide('reject'),
      run: () => desk.decide('reject'),
    },
    {
      id: 'review.comment',
      title: 'Comment on hunk or selected lines',
      group,
      keys: 'C',
      enabled: () => desk.current !== null && lengthOf(desk.current) > 0,
      run: () => desk.comment(),
    },
    {
      id: 'review.why',
      title: 'Show where these lines were made',
      group,
      keys: 'W',
      enabled: () => desk.maker !== null && desk.maker.type !== 'user',
      run: () => void desk.why(),
    },
    {
      id: 'review.next',
      title: 'Next hunk',
      group,
      keys: 'J',
      enabled: () => review.counts.hunks > 0,
      run: () => desk.move(1),
    },
    {
      id: 'review.previous',
      title: 'Previous hunk',
      group,
      keys: 'K',
      enabled: () => review.counts.hunks > 0,
      run: () => desk.move(-1),
    },
    {
      id: 'review.undo',
      title: 'Undo the last decision',
      group,
      keys: 'U',
      // After a decision about lines that took a file back to what it was, no hunk tells of it.
      enabled: () =>
        decides() && (review.lastDecided.length > 0 || review.counts.pending < review.counts.hunks),
      run: () => desk.undo(),
    },
    {
      id: 'review.acceptFile',
      title: 'Accept file',
      group,
      enabled: waits,
      run: () => {
        const file = fileNow();
        if (file) void desk.decideFile('accept', file);
      },
    },
    {
      id: 'review.rejectFile',
      title: 'Reject file',
      group,
      enabled: waits,
      run: () => {
        const file = fileNow();
        if (file) void desk.decideFile('reject', file);
      },
    },
    {
      id: 'review.acceptAll',
      title: 'Accept rest',
      group,
      enabled: someWait,
      run: () => desk.decideRest('accept'),
    },
    {
      id: 'review.rejectAll',
      title: 'Reject rest',
      group,
      enabled: someWait,
      run: () => desk.decideRest('reject'),
    },
    {
      id: 'review.commit',
      title: 'Commit what is accepted…',
      group,
      enabled: () => decides() && review.counts.accepted > 0,
      run: () => (desk.committing = true),
    },
    {
      id: 'review.toggleLayout',
      title: 'Switch between unified and split changes',
      group,
      run: () => desk.toggleLayout(),
    },
    {
      id: 'review.openInEditor',
      title: 'Open file in editor',
      group,
      enabled: () => desk.folder !== null && fileNow() !== undefined && fileNow()?.status !== 'deleted',
      run: () => desk.open(review.current?.path ?? '', desk.current ?? undefined),
    },
    {
      id: 'review.sent',
      title: 'Show what was sent of this file',
      group,
      enabled: () => desk.folder !== null && fileNow() !== undefined,
      run: () => desk.sent(review.current?.path ?? ''),
    },
  ];
}

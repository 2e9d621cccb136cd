/** The actions about how changes show, and of writing one's own version. */

import type { Action } from '../../app/actions.svelte';
import type { Desk } from './desk.svelte';
import { STEP } from './views.svelte';

export function viewActions(desk: Desk): Action[] {
  const { review, editing, views } = desk;
  const file = () => review.file(review.current?.path ?? '');
  const group = 'Review';
  return [
    {
      id: 'review.edit',
      title: 'Edit hunk and accept your version',
      group,
      keys: 'E',
      enabled: () => !review.busy && review.current !== null && editing.can(review.current),
      run: () => {
        if (review.current) void editing.begin(review.current);
      },
    },
    {
      id: 'review.expand',
      title: `Show ${STEP} more lines around hunk`,
      group,
      keys: 'X',
      enabled: () => desk.current !== null && (file()?.lines ?? 0) > 0,
      run: () => {
        const [now, hunk] = [file(), desk.current];
        if (!now || !hunk) return;
        views.open(now, hunk, 'above', STEP);
        views.open(now, hunk, 'below', STEP);
      },
    },
    {
      id: 'review.expandFile',
      title: 'Show the whole file, or only what changed',
      group,
      keys: 'Shift+X',
      enabled: () => (file()?.lines ?? 0) > 0,
      run: () => {
        const now = file();
        if (now) views.openWhole(now);
      },
    },
    {
      id: 'review.foldWhiteSpace',
      title: 'Fold hunks that differ only in white space, or show them',
      group,
      keys: 'Shift+W',
      run: () => desk.toggleWhiteSpace(),
    },
  ];
}

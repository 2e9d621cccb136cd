/** The actions of the view of what is not committed: the keys are those of the review. */

import type { Action } from '../../app/actions.svelte';
import type { Changes } from '../../state/changes.svelte';

export function changeActions(changes: Changes): Action[] {
  const group = 'Git';
  const on = (side: 'staged' | 'unstaged') => () => !changes.busy && changes.current?.side === side;
  const take = () => {
    const { current } = changes;
    if (current) void changes.stage(current.side, [current.path], current.hunk);
  };
  return [
    {
      id: 'changes.stage',
      title: 'Stage file or hunk',
      group,
      keys: 'Y',
      enabled: on('unstaged'),
      run: take,
    },
    {
      id: 'changes.unstage',
      title: 'Unstage file or hunk',
      group,
      keys: 'N',
      enabled: on('staged'),
      run: take,
    },
    {
      id: 'changes.next',
      title: 'Next change',
      group,
      keys: 'J',
      enabled: () => changes.places.length > 0,
      run: () => changes.move(1),
    },
    {
      id: 'changes.previous',
      title: 'Previous change',
      group,
      keys: 'K',
      enabled: () => changes.places.length > 0,
      run: () => changes.move(-1),
    },
    {
      id: 'changes.fold',
      title: 'Fold or unfold file',
      group,
      keys: 'O',
      enabled: () => changes.current !== null,
      run: () => {
        const { current } = changes;
        if (current) void changes.toggle(current.side, current.path);
      },
    },
  ];
}

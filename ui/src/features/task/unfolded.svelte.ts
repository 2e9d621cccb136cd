/** What the user unfolded in an entry. It outlives the row, which goes when it is scrolled away. */

import type { Entry } from '../../state/conversation.svelte';

export class Unfolded {
  /** Whether the entry is open; null: as is usual for it. */
  open: boolean | null = $state(null);
  /** Whether it was opened while it grew: then its end is what is read. */
  atEnd = $state(false);
  /** Whether all of a long text is shown. */
  all = $state(false);
  /** Whether all files that it changed are named. */
  files = $state(false);
}

const known = new WeakMap<Entry, Unfolded>();

export function unfoldedOf(entry: Entry): Unfolded {
  const unfolded = known.get(entry) ?? new Unfolded();
  known.set(entry, unfolded);
  return unfolded;
}

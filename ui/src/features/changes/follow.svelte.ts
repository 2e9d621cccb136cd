/** Keeps what is known of the folder's repository in step while it is on screen. */

import { untrack } from 'svelte';
import type { Kerf } from '../../state/kerf.svelte';

/** To be called as a component begins: looks when another folder is worked in, a turn ends, or the window comes back. */
export function followChanges(kerf: Kerf) {
  const { changes } = kerf;
  $effect(() => {
    const { folder } = kerf;
    // It reads what the user writes, to keep it: that is no reason to look again.
    untrack(() => void changes.show(folder));
  });
  // A turn that ended has changed files.
  const state = $derived(kerf.session?.state);
  $effect(() => {
    if (state === 'idle') void changes.load();
  });
  $effect(() => {
    const look = () => void changes.load();
    window.addEventListener('focus', look);
    return () => window.removeEventListener('focus', look);
  });
}

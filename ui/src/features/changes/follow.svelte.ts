/** Keeps what is known of the folder's repository in step while it is on screen. */

import type { Kerf } from '../../state/kerf.svelte';

/** To be called as a component begins: looks when another folder is worked in, a turn ends, or the window comes back. */
export function followChanges(kerf: Kerf) {
  const { changes } = kerf;
  $effect(() => void changes.show(kerf.folder));
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

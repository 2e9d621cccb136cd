/** Keeps what is known of the folder's repository in step while it is on screen. */

import { untrack } from 'svelte';
import type { Kerf } from '../../state/kerf.svelte';

/** To be called as a component begins: looks when another folder is worked in, a turn ends, or the window comes back. */
export function followChanges(kerf: Kerf) {
  const { changes } = kerf;
  const folder = $derived(kerf.folder);
  const task = $derived(kerf.session?.id);
  // A turn that ended has changed files.
  const idle = $derived(kerf.session?.state === 'idle');
  let shown: string | null | undefined;
  $effect(() => {
    void task;
    if (!idle && folder === shown) return;
    const now = folder;
    shown = now;
    // Once, however much of it is another one. It reads what the user writes, to keep it: that is no reason to look again.
    untrack(() => void changes.show(now));
  });
  $effect(() => {
    const look = () => void changes.load();
    window.addEventListener('focus', look);
    return () => window.removeEventListener('focus', look);
  });
}

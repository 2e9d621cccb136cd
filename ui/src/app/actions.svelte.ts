/**
 * Every action of the window, by name: the palette lists them, keys and menus start them, settings change their keys.
 * A part of the window adds its actions while it is on screen.
 */

import { untrack } from 'svelte';
import type { Settings } from '../state/settings.svelte';

export interface Action {
  /** Names it in settings and menus: `review.accept`. */
  id: string;
  /** What it does, as a command: “Accept hunk”. */
  title: string;
  group: 'Go' | 'Task' | 'Review' | 'Git' | 'Project' | 'View' | 'Settings';
  /** Its keys unless the user chose others: `Mod+K`, `Y`. Mod is Cmd on macOS and Ctrl elsewhere. */
  keys?: string;
  /** Whether it makes sense now. One that does not is not listed, and its keys do nothing. */
  enabled?: () => boolean;
  run: () => unknown;
}

export class Actions {
  all: Action[] = $state.raw([]);

  /** Also those whose part has left the screen: their keys can still be changed. */
  known: Action[] = $state.raw([]);

  /** The actions that make sense now. */
  listed: Action[] = $derived(this.all.filter((action) => action.enabled?.() ?? true));

  #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Adds actions; one with a known name takes the place of the other. Returns how to take them away. */
  add(actions: Action[]): () => void {
    const ids = new Set(actions.map(({ id }) => id));
    // An effect that adds actions must not run again because of them.
    this.all = [...untrack(() => this.all).filter(({ id }) => !ids.has(id)), ...actions];
    this.known = [...untrack(() => this.known).filter(({ id }) => !ids.has(id)), ...actions];
    return () => {
      this.all = this.all.filter((action) => !actions.includes(action));
    };
  }

  /** The keys of an action as they are now; none: it has no keys. */
  keysOf(action: Action): string | undefined {
    return (this.#settings.current.keys[action.id] ?? action.keys) || undefined;
  }

  run(id: string) {
    const action = this.listed.find((action) => action.id === id);
    return action?.run();
  }
}

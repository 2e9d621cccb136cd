/** How the window is arranged: which parts are seen, and what lies over them. Kept from one start to the next. */

import { createContext } from 'svelte';

const KEPT = 'kerf.frame';

/** Below this width the review is a tab beside the conversation. */
export const NARROW = '(max-width: 1099px)';

/** What the review can show. */
export type ShownScope = 'turn' | 'task' | 'uncommitted' | 'branch';

export class Frame {
  sidebar = $state(true);
  review = $state(true);
  /** What the narrow window shows. */
  tab: 'conversation' | 'review' = $state('conversation');
  /** Whose changes the review shows. */
  scope: ShownScope = $state('task');
  /** The branch that the scope `branch` is compared with; null: the usual one. */
  base: string | null = $state(null);
  narrow = $state(false);
  /** Which list of the repository lies over the window. */
  git: 'branches' | 'deleteBranch' | 'stashes' | 'log' | 'blame' | null = $state(null);
  palette = $state(false);
  /** The task whose name is being changed. */
  renaming: string | null = $state(null);
  /** The task or project about which the user is asked before it goes. */
  deleting: string | null = $state(null);
  removing: string | null = $state(null);

  /** Whether the review is seen. */
  reviewing: boolean = $derived(this.narrow ? this.tab === 'review' : this.review);

  constructor() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT) ?? '{}') as { sidebar?: boolean; review?: boolean };
      this.sidebar = kept.sidebar ?? true;
      this.review = kept.review ?? true;
    } catch {
      // What cannot be read is forgotten.
    }
  }

  toggleSidebar() {
    this.sidebar = !this.sidebar;
    this.#keep();
  }

  toggleReview() {
    if (this.narrow) {
      this.tab = this.tab === 'review' ? 'conversation' : 'review';
      return;
    }
    this.review = !this.review;
    this.#keep();
  }

  #keep() {
    const { sidebar, review } = this;
    localStorage.setItem(KEPT, JSON.stringify({ sidebar, review }));
  }
}

export const [getFrame, setFrame] = createContext<Frame>();

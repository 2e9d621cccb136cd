/** The user's own version of a hunk while it is written. It belongs to the hunk by its id, wherever that comes to stand. */

import type { HunkOutline } from '../../protocol/HunkOutline';
import type { Place, ReviewState } from '../../state/review.svelte';
import type { Ask } from './desk.svelte';

/** More lines are for an editor. */
const MOST = 5000;

interface Version {
  path: string;
  id: number;
  /** What was proposed, as the field has it. */
  proposed: string;
  text: string;
  /** The number of its first line, as proposed. */
  first: number;
}

interface DeskHooks {
  ask: (ask: Ask) => void;
  /** Brings the current hunk into view. */
  begun: () => void;
  /** Goes on to what waits, after a hunk was decided. */
  decided: () => void;
  /** Gives the keyboard back to the changes. */
  focus: () => void;
}

export class Editing {
  now: Version | null = $state(null);
  #review: ReviewState;
  #desk: DeskHooks;

  constructor(review: ReviewState, desk: DeskHooks) {
    this.#review = review;
    this.#desk = desk;
  }

  /** Where the hunk is now; null when it is no longer there. */
  get place(): Place | null {
    const { now } = this;
    const hunk = now && this.#review.file(now.path)?.hunks.find(({ id }) => id === now.id);
    return now && hunk ? { path: now.path, hunk: hunk.hunk } : null;
  }

  /** Whether a version is written of a hunk that is no longer there. */
  get strayed(): boolean {
    return this.now !== null && this.place === null;
  }

  get changed(): boolean {
    return this.now !== null && this.now.text !== this.now.proposed;
  }

  /**
   * Whether a hunk has lines to edit. One's own version is a decision about what the agent proposes: where nothing is
   * proposed, because files are compared with a commit, one edits the file itself.
   */
  can({ path, hunk }: Place): boolean {
    const file = this.#review.file(path);
    const outline = this.#review.hunk({ path, hunk });
    return (
      !this.#review.readOnly &&
      file !== undefined &&
      outline !== undefined &&
      !file.opaque &&
      file.status !== 'deleted' &&
      outline.removed + outline.added > 0
    );
  }

  async begin(place: Place) {
    const file = this.#review.file(place.path);
    const hunk = this.#review.hunk(place);
    if (!file || !hunk || !this.can(place) || this.#review.busy) return;
    if (this.now) {
      const { now } = this;
      if (now.path === place.path && now.id === hunk.id) return;
      // One version at a time, and none is lost unasked.
      if (this.changed) return this.#askToLeave(() => void this.begin(place));
      this.now = null;
    }
    if (hunk.added > MOST) return this.#refuse(`it adds ${hunk.added.toLocaleString()} lines`);
    const proposed = await this.#proposed(file, hunk);
    if (proposed === null) return;
    const { path } = place;
    this.#review.current = place;
    this.now = { path, id: hunk.id, proposed, text: proposed, first: hunk.new + hunk.above };
    this.#desk.begun();
  }

  async accept() {
    const { now, place } = this;
    if (!now || !place || this.#review.busy) return;
    this.#review.current = place;
    const done = await this.#review.edit({ ...place, id: now.id, text: now.text }, () => (this.now = null));
    if (!done) return;
    this.#desk.focus();
    this.#desk.decided();
  }

  leave() {
    if (this.changed) this.#askToLeave(() => this.#close());
    else this.#close();
  }

  #close() {
    this.now = null;
    this.#desk.focus();
  }

  #askToLeave(run: () => void) {
    this.#desk.ask({
      title: 'Discard your version?',
      text: 'What you wrote is kept nowhere else. What the agent proposed stays as it is.',
      yes: 'Discard it',
      run: () => {
        this.now = null;
        run();
      },
    });
  }

  /** The lines that a hunk adds, as a field has them: every end is a line feed. Null when they cannot be had. */
  async #proposed(file: Parameters<ReviewState['lines']['readLines']>[0], hunk: HunkOutline) {
    const places = Array.from({ length: hunk.added }, (_, at) => hunk.above + hunk.removed + at);
    const lineAt = await this.#review.lines.readLines(file, hunk, places);
    let text = '';
    for (const at of places) {
      const line = lineAt(at);
      // The hunk is no longer so; the review tells.
      if (!line) return null;
      // A field would make two lines of it.
      if (line.text.includes('\r')) {
        this.#refuse('a line of it holds a carriage return');
        return null;
      }
      text += line.text + (line.no_newline ? '' : '\n');
    }
    return text;
  }

  #refuse(why: string) {
    this.#review.failure = {
      code: 'usage',
      message: `this hunk cannot be edited here: ${why}`,
      hint: 'Open the file in your editor; what you change there is yours',
    };
  }
}

/** Git's own programs: the command that is shown before it begins, the one that runs, and what it asks. */

import type { Backend } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { GitAct } from '../protocol/GitAct';
import type { GitPreview } from '../protocol/GitPreview';
import type { GitRun } from '../protocol/GitRun';
import { busyWith } from './busy';

export class GitCommand {
  /** Whether the command lies over the window. */
  open = $state(false);
  /** What is looked at before it begins; null: what runs, or ran, is shown. */
  act: GitAct | null = $state.raw(null);
  preview: GitPreview | null = $state.raw(null);
  run: GitRun | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);
  busy = $state(false);

  #backend: Backend;
  #folder: string | null = null;
  /** Told when a command ended, and in which folder. */
  #ended: (run: GitRun, folder: string) => void;
  /** By folder, the command that was seen while it ran, and whose end is still to be told. */
  #live = new Map<string, number>();
  #asking = false;
  #again = false;

  constructor(backend: Backend, ended: (run: GitRun, folder: string) => void) {
    this.#backend = backend;
    this.#ended = ended;
  }

  get running(): boolean {
    return this.run !== null && this.run.end === null;
  }

  /** Follows the commands of a folder; of another one stays only that the end of its command is still to be told. */
  async follow(folder: string | null) {
    if (folder === this.#folder) return;
    this.#folder = folder;
    this.open = false;
    this.act = null;
    this.preview = null;
    this.run = null;
    this.failure = null;
    await this.told();
  }

  /** Shows the command that an act is, with what it would do. */
  async show(folder: string | null, act: GitAct) {
    await this.follow(folder);
    if (folder === null) return;
    this.open = true;
    this.failure = null;
    // One runs already: that is shown.
    if (this.running) return;
    this.act = act;
    await this.look();
  }

  /** Looks at what the act would be now. */
  async look() {
    const { act } = this;
    const folder = this.#folder;
    if (!act || folder === null) return;
    this.preview = null;
    await busyWith(this, async () => {
      const preview = await this.#backend.request('git/preview', { folder, act });
      if (this.act === act) this.preview = preview;
    });
  }

  /** Begins what is shown. */
  async begin() {
    const { act, preview } = this;
    const folder = this.#folder;
    if (!act || !preview || folder === null || this.busy) return;
    await busyWith(this, async () => {
      const run = await this.#backend.request('git/run', { folder, act, argv: preview.argv });
      this.#live.set(folder, run.id);
      if (folder !== this.#folder) return;
      this.act = null;
      this.preview = null;
      this.run = run;
    });
    // The repository may have changed: nothing begins before the command was looked at again.
    if (this.failure && this.act === act) this.preview = null;
    await this.told();
  }

  /** Gives the answer to what the command asks; null: none, and the command ends. */
  async answer(answer: string | null) {
    const { run } = this;
    const folder = this.#folder;
    if (!run?.prompt || folder === null) return;
    const { id, prompt } = run;
    // At once: the answer stays nowhere, and the next look brings the next prompt.
    this.run = { ...run, prompt: null };
    await busyWith(this, () =>
      this.#backend.request('git/answer', { folder, id, prompt: prompt.id, answer }),
    );
    await this.told();
  }

  async stop() {
    const { run } = this;
    const folder = this.#folder;
    if (!run || run.end || folder === null) return;
    await busyWith(this, () =>
      this.#backend.request('git/answer', { folder, id: run.id, prompt: null, answer: null }),
    );
  }

  /** Puts away what is shown. A command that runs goes on, but what it asks is then not answered. */
  async close() {
    this.open = false;
    if (this.act) {
      this.act = null;
      this.preview = null;
      this.failure = null;
    } else if (this.run?.prompt) await this.answer(null);
  }

  /** The engine has something new of a command: looks at it. One look at a time. */
  async told() {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    do {
      this.#again = false;
      await this.#look();
    } while (this.#again);
    this.#asking = false;
  }

  async #look() {
    const folder = this.#folder;
    if (folder === null) return;
    try {
      const run = await this.#backend.request('git/running', { folder });
      if (folder !== this.#folder) return;
      this.run = run;
      if (run?.prompt) {
        this.act = null;
        this.open = true;
      }
      if (run?.end && this.#live.get(folder) === run.id) {
        this.#live.delete(folder);
        this.#ended(run, folder);
      } else if (run && !run.end) this.#live.set(folder, run.id);
    } catch {
      // What is not known of the command is asked again with its next word.
    }
  }
}

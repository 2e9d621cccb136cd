/** Going back to a checkpoint of one session: what that would do, doing it, and undoing it. */

import { RequestError, type Backend } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { Restored } from '../protocol/Restored';
import type { RestorePreview } from '../protocol/RestorePreview';
import type { RestoreWhat } from '../protocol/RestoreWhat';
import { busyWith } from './busy';

export class RestoreState {
  /** Whether the user is asked about a restore. */
  open = $state(false);
  /** What it would do; null: that is not known yet. */
  preview: RestorePreview | null = $state.raw(null);
  /** Whether something is asked or done. */
  busy = $state(false);
  failure: Failure | null = $state.raw(null);
  /** The last restore of this window, which can be undone. */
  done: (Restored & { what: RestoreWhat }) | null = $state.raw(null);

  #backend: Backend;
  #sessionId: string;

  constructor(backend: Backend, sessionId: string) {
    this.#backend = backend;
    this.#sessionId = sessionId;
  }

  /** Asks what going back to before a turn would do. */
  async ask(turnId: string) {
    // What is just going back or coming again cannot be told yet.
    if (this.busy) return;
    this.open = true;
    this.preview = null;
    this.failure = null;
    await busyWith(this, async () => {
      const { checkpoints, none_because } = await this.#backend.request('checkpoint/list', {
        session_id: this.#sessionId,
      });
      const before = checkpoints.find(({ turn, call }) => turn === turnId && call === null);
      if (!before)
        throw new RequestError({
          code: 'not_found',
          message: none_because ?? 'there is no checkpoint before this turn',
          hint: '',
        });
      this.preview = await this.#backend.request('checkpoint/preview', {
        session_id: this.#sessionId,
        checkpoint_id: before.id,
      });
    });
  }

  /** Goes back to what is asked about. `named` are files of the user's that go back too. */
  async go(what: RestoreWhat, named: string[]) {
    const { preview } = this;
    if (!preview) return;
    const goes = preview.files.filter(({ choice }) => choice === 'goes').map(({ change }) => change.path);
    await this.#restore(preview.checkpoint.id, what, named.length > 0 ? [...goes, ...named] : null);
  }

  /** Undoes the last restore of this window. */
  async undo() {
    const { done } = this;
    if (!done) return;
    await this.#restore(done.undo, done.what, null);
    if (!this.failure) this.done = null;
  }

  async #restore(checkpoint_id: number, what: RestoreWhat, paths: string[] | null) {
    await busyWith(this, async () => {
      const restored = await this.#backend.request('checkpoint/restore', {
        session_id: this.#sessionId,
        checkpoint_id,
        what,
        paths,
      });
      this.done = { ...restored, what };
      this.open = false;
    });
  }
}

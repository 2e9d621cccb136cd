/** A pull request on its way: where it would go, its words, and what became of it. */

import type { Backend } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { OpenedPull } from '../protocol/OpenedPull';
import type { PullTarget } from '../protocol/PullTarget';
import { busyWith } from './busy';

export class PullRequest {
  open = $state(false);
  target: PullTarget | null = $state.raw(null);
  base = $state('');
  title = $state('');
  body = $state('');
  /** What the model was not shown for its draft. */
  leftOut = $state('');
  opened: OpenedPull | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);
  busy = $state(false);
  drafting = $state(false);

  #backend: Backend;
  #folder: string | null = null;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Shows where a pull request of the folder's branch would go. What was written stays while the branch does. */
  async show(folder: string | null) {
    if (folder === null) return;
    const before = this.target;
    const same = folder === this.#folder;
    this.#folder = folder;
    this.open = true;
    await busyWith(this, async () => {
      const target = await this.#backend.request('git/pull_target', { folder, remote: null });
      if (folder !== this.#folder) return;
      if (!same || before?.branch !== target.branch) {
        this.title = '';
        this.body = '';
        this.leftOut = '';
        this.opened = null;
        this.base = target.base;
      }
      this.target = target;
    });
    if (this.failure) this.target = null;
  }

  /** Lets the model propose title and text. What the user wrote meanwhile stays. */
  async draft(session: string | null) {
    const { target, title, body, base } = this;
    const folder = this.#folder;
    if (!target || folder === null || this.drafting) return;
    this.drafting = true;
    await busyWith(this, async () => {
      const drafted = await this.#backend.request('git/draft_pull', {
        folder,
        session_id: session,
        remote: target.remote.name,
        base,
      });
      if (folder !== this.#folder) return;
      if (this.title === title) this.title = drafted.title;
      if (this.body === body) this.body = drafted.body;
      this.leftOut = drafted.left_out;
    });
    this.drafting = false;
  }

  /** Opens it as a draft; the token goes to the keyring. */
  async send(token: string) {
    const { target, title, body, base } = this;
    const folder = this.#folder;
    if (!target || folder === null || this.busy) return;
    await busyWith(this, async () => {
      this.opened = await this.#backend.request('git/open_pull', {
        folder,
        target: { ...target, base },
        title,
        body,
        token: token === '' ? null : token,
      });
    });
  }
}

/** The user's settings, and how they reach the page. */

import type { Backend } from '../backend/backend';
import type { Appearance } from '../protocol/Appearance';
import type { AppSettings } from '../protocol/AppSettings';

const DEFAULTS: AppSettings = {
  appearance: {
    theme: 'system',
    text_size: 100,
    diff_colours: 'standard',
    diff_layout: 'unified',
    fold_white_space: false,
  },
  policy: { sandbox: 'workspace-write', approve: 'ask' },
  keys: {},
  editor: '',
  notifications: 'on',
  reach: 'endpoint',
  prices: {},
  network: { allow: [] },
  attempts_at_once: 0,
  checkpoint_room: 0,
};

/** How large text can be made, in percent. */
export const TEXT_SIZE = { least: 80, most: 200, step: 10 };

export class Settings {
  current: AppSettings = $state.raw(DEFAULTS);

  #backend: Backend;
  /** Changes are written one after the other, so that the last one stays. */
  #written: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async load() {
    this.current = await this.#backend.request('settings/show', {});
  }

  /** Shows a change at once and writes it. Rejects, and goes back, when it cannot be written. */
  async change(change: Partial<AppSettings>) {
    const before = this.current;
    const after = { ...before, ...change };
    this.current = after;
    const written = this.#written.then(() => this.#backend.request('settings/change', after));
    this.#written = written.catch(() => {});
    try {
      await written;
    } catch (thrown) {
      if (this.current === after) this.current = before;
      throw thrown;
    }
  }

  /** Makes text larger or smaller, as far as it goes. */
  resizeText(by: number) {
    const size = this.current.appearance.text_size + by;
    return this.appearance({ text_size: Math.max(TEXT_SIZE.least, Math.min(size, TEXT_SIZE.most)) });
  }

  appearance(change: Partial<Appearance>) {
    return this.change({ appearance: { ...this.current.appearance, ...change } });
  }
}

/** The endpoints: configured ones, local servers that answer, and the well-known ones. */

import { failureOf, type Backend } from '../backend/backend';
import type { AddedEndpoint } from '../protocol/AddedEndpoint';
import type { AddEndpoint } from '../protocol/AddEndpoint';
import type { Discovered } from '../protocol/Discovered';
import type { Endpoint } from '../protocol/Endpoint';
import type { Failure } from '../protocol/Failure';
import type { ModelInfo } from '../protocol/ModelInfo';
import type { Preset } from '../protocol/Preset';

export class Endpoints {
  configured: Endpoint[] = $state.raw([]);
  discovered: Discovered[] = $state.raw([]);
  presets: Preset[] = $state.raw([]);
  loaded = $state(false);
  /** Whether local servers are being looked for. */
  looking = $state(false);
  /** Whether one is being added. */
  adding = $state(false);
  failure: Failure | null = $state.raw(null);

  /** What a new task uses when nothing else is chosen. */
  chosen: Endpoint | null = $state.raw(null);

  /** Whether that is a language model; else it is the practice endpoint. */
  real: boolean = $derived(
    this.chosen
      ? this.chosen.origin !== 'practice'
      : this.configured.length > 0 || this.discovered.length > 0,
  );

  #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async load() {
    try {
      [this.configured, this.presets] = await Promise.all([
        this.#backend.request('endpoint/list', {}),
        this.#backend.request('endpoint/presets', {}),
      ]);
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
    this.loaded = true;
    await this.discover();
  }

  async discover() {
    this.looking = true;
    try {
      this.discovered = await this.#backend.request('endpoint/discover', {});
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
    this.looking = false;
    await this.#choose();
  }

  /** Makes an endpoint the one that new tasks use. */
  async use(name: string) {
    await this.#backend.request('endpoint/default', { name });
    await this.#choose();
  }

  /** Rejects with what to show: the dialog that asks shows it beside the field. */
  models(name: string): Promise<ModelInfo[]> {
    return this.#backend.request('endpoint/models', { name });
  }

  async add(endpoint: AddEndpoint): Promise<AddedEndpoint> {
    const added = await this.#backend.request('endpoint/add', endpoint);
    await this.#list();
    return added;
  }

  async remove(name: string) {
    await this.#backend.request('endpoint/remove', { name });
    await this.#list();
  }

  async #list() {
    this.configured = await this.#backend.request('endpoint/list', {});
    await this.#choose();
  }

  async #choose() {
    try {
      this.chosen = await this.#backend.request('endpoint/chosen', {});
    } catch {
      // The first message of a task tells what is wrong.
      this.chosen = null;
    }
  }
}

/** Files as something else than lines: their pictures, and notebooks as cells. Each is asked for when it is shown. */

import type { Backend } from '../backend/backend';
import { failureOf } from '../backend/backend';
import type { Failure } from '../protocol/Failure';
import type { FileOutline } from '../protocol/FileOutline';
import type { Notebook } from '../protocol/Notebook';
import type { Pictures } from '../protocol/Pictures';
import type { Scope } from '../protocol/Scope';

/** So many answers are kept: one may hold two pictures. */
const KEPT = 12;

export interface Extra<T> {
  value: T | null;
  failure: Failure | null;
}

const NOTHING: Extra<never> = { value: null, failure: null };

export class FileExtras {
  #backend: Backend;
  #sessionId: string;
  #scope: Scope;
  #known = new Map<string, Extra<Pictures | Notebook>>();
  /** Rises with what is known. */
  #version = $state(0);

  constructor(backend: Backend, sessionId: string, scope: Scope) {
    this.#backend = backend;
    this.#sessionId = sessionId;
    this.#scope = scope;
  }

  pictures(file: FileOutline): Extra<Pictures> {
    return this.#of('review/pictures', file) as Extra<Pictures>;
  }

  notebook(file: FileOutline): Extra<Notebook> {
    return this.#of('review/notebook', file) as Extra<Notebook>;
  }

  /** A notebook as far as it is known; it is not asked for. */
  known(file: FileOutline): Notebook | null {
    void this.#version;
    return (this.#known.get(nameOf('review/notebook', file))?.value as Notebook | undefined) ?? null;
  }

  #of(method: 'review/pictures' | 'review/notebook', file: FileOutline): Extra<Pictures | Notebook> {
    void this.#version;
    const name = nameOf(method, file);
    const known = this.#known.get(name);
    if (known) return known;
    this.#known.set(name, NOTHING);
    if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value as string);
    queueMicrotask(() => void this.#ask(method, file, name));
    return NOTHING;
  }

  async #ask(method: 'review/pictures' | 'review/notebook', { path }: FileOutline, name: string) {
    let answer: Extra<Pictures | Notebook>;
    try {
      const value = await this.#backend.request(method, {
        session_id: this.#sessionId,
        path,
        scope: this.#scope,
      });
      answer = { value, failure: null };
    } catch (thrown) {
      answer = { value: null, failure: failureOf(thrown) };
    }
    // What was pushed out meanwhile is asked for again when it is seen.
    if (this.#known.has(name)) this.#known.set(name, answer);
    this.#version += 1;
  }
}

/** Bytes that are not lines have no number of their own: the ids of their hunks are others when they are. */
function nameOf(method: string, { path, content, hunks }: FileOutline): string {
  return `${method} ${content} ${hunks.map(({ id }) => id).join(',')} ${path}`;
}

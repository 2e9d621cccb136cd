/**
 * Lines of proposed texts that are no hunk's, as far as they are on screen. They are read in stretches, one request
 * after the other, what was seen last first.
 */

import type { Backend } from '../backend/backend';
import type { FileOutline } from '../protocol/FileOutline';
import type { HunkLine } from '../protocol/HunkLine';
import type { Scope } from '../protocol/Scope';

/** So many lines are read, and painted, together. */
export const AROUND = 200;
/** So many stretches are kept. A screen has fewer. */
const KEPT = 100;
/** So many wait to be read; what was scrolled past is not read. */
const WAITING = 8;

interface Stretch {
  path: string;
  content: number;
  first: number;
}

export class AroundLines {
  #backend: Backend;
  #sessionId: string;
  #scope: Scope;
  #onstale: () => void;
  #onfailure: (thrown: unknown) => void;
  #read = new Map<string, HunkLine[]>();
  #waiting = new Map<string, Stretch>();
  #reading = false;
  /** Rises with what is read. */
  #version = $state(0);

  constructor(
    backend: Backend,
    sessionId: string,
    scope: Scope,
    onstale: () => void,
    onfailure: (thrown: unknown) => void,
  ) {
    this.#backend = backend;
    this.#sessionId = sessionId;
    this.#scope = scope;
    this.#onstale = onstale;
    this.#onfailure = onfailure;
  }

  /** The line of this number with those that were read with it; null until it is. It is on screen, and is read soon. */
  see({ path, content }: FileOutline, number: number): { lines: HunkLine[]; at: number } | null {
    void this.#version;
    const first = Math.floor((number - 1) / AROUND) * AROUND + 1;
    const name = `${first} ${content} ${path}`;
    const lines = this.#read.get(name);
    if (lines) return { lines, at: number - first };
    this.#waiting.delete(name);
    this.#waiting.set(name, { path, content, first });
    if (this.#waiting.size > WAITING) this.#waiting.delete(this.#waiting.keys().next().value as string);
    if (!this.#reading) {
      this.#reading = true;
      queueMicrotask(() => void this.#readOn());
    }
    return null;
  }

  async #readOn() {
    try {
      for (;;) {
        const next = [...this.#waiting].at(-1);
        if (!next) return;
        const [name, stretch] = next;
        const lines = await this.#readWhole(stretch);
        this.#waiting.delete(name);
        if (!lines) {
          // The outline tells what is there now.
          this.#waiting.clear();
          this.#onstale();
          return;
        }
        this.#read.set(name, lines);
        if (this.#read.size > KEPT) this.#read.delete(this.#read.keys().next().value as string);
        this.#version += 1;
      }
    } catch (thrown) {
      this.#waiting.clear();
      this.#onfailure(thrown);
    } finally {
      this.#reading = false;
    }
  }

  /** Null: the file is no longer so. */
  async #readWhole({ path, content, first }: Stretch): Promise<HunkLine[] | null> {
    const all: HunkLine[] = [];
    while (all.length < AROUND) {
      const { lines, stale } = await this.#backend.request('review/around', {
        session_id: this.#sessionId,
        path,
        content,
        first: first + all.length,
        count: AROUND - all.length,
        scope: this.#scope,
      });
      if (stale) return null;
      // The file ends here.
      if (lines.length === 0) break;
      all.push(...lines);
    }
    return all;
  }
}

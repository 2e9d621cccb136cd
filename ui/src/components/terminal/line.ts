/** A line that is being written: at its end as a rule, in the middle after a carriage return or a backspace. */

import type { Style } from './sgr';

export interface Run extends Style {
  text: string;
}

interface Cell {
  char: string;
  style: Style;
}

const same = (a: Style, b: Style) => a.colour === b.colour && a.bold === b.bold;

export class Line {
  /** What stands in it, while everything was written at its end. */
  #runs: Run[] = [];
  /** The same by characters, once something was written over. */
  #cells: Cell[] | null = null;
  #at = 0;

  write(text: string, style: Style) {
    if (!this.#cells) {
      append(this.#runs, text, style);
      return;
    }
    while (this.#cells.length < this.#at) this.#cells.push({ char: ' ', style: {} });
    for (const char of text) this.#cells[this.#at++] = { char, style };
  }

  /** To the first character. */
  toStart() {
    if (this.empty) return;
    this.#split();
    this.#at = 0;
  }

  back() {
    if (this.empty) return;
    this.#split();
    this.#at = Math.max(0, this.#at - 1);
  }

  /** Erases from here to the end, from the start to here, or the whole; the place to write at stays. */
  erase(what: 'after' | 'before' | 'all') {
    if (this.empty) return;
    const cells = this.#split();
    if (what === 'before') cells.fill({ char: ' ', style: {} }, 0, this.#at + 1);
    else cells.length = what === 'all' ? 0 : Math.min(cells.length, this.#at);
  }

  get empty(): boolean {
    return this.#runs.length === 0 && !this.#cells;
  }

  /** What stands in it now. It is a copy: what is on screen does not change by itself. */
  get runs(): Run[] {
    if (!this.#cells) return this.#runs.map((run) => ({ ...run }));
    const runs: Run[] = [];
    for (const { char, style } of this.#cells) append(runs, char, style);
    return runs;
  }

  #split(): Cell[] {
    if (!this.#cells) {
      this.#cells = this.#runs.flatMap(({ text, ...style }) => [...text].map((char) => ({ char, style })));
      this.#runs = [];
      this.#at = this.#cells.length;
    }
    return this.#cells;
  }
}

function append(runs: Run[], text: string, style: Style) {
  const last = runs.at(-1);
  if (last && same(last, style)) last.text += text;
  else runs.push({ text, ...style });
}

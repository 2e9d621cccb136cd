/**
 * Cuts a long Markdown text into stretches that can be shown each by itself, so that only what is seen is mounted.
 * A cut is made between blocks where there is such a place; in a block that is longer than any screen, at a line.
 */

export interface Stretch {
  from: number;
  /** Where it ends; the last one goes to the end of the text. */
  to?: number;
  /** The line that opens the code block which was cut here. */
  fence: string;
  /** Where the code blocks begin, in the whole text, that are cut at its start and at its end. */
  cutAtStart?: number;
  cutAtEnd?: number;
}

/** From this length on the next place between blocks is a cut. */
const LONG = 4000;
/** After so much more text a growing one is looked at again: what a new stretch begins with is mounted at once. */
const MORE = 400;
/** No stretch gets longer than this. */
const LONGEST = 16_000;

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
const CLOSES = /^ {0,3}(`{3,}|~{3,})\s*$/;
/** A line that continues nothing when it stands after an empty one: not indented, and no further item of a list. */
const BEGINS = /^(?!\s|[-*+]\s|\d{1,9}[.)]\s)/;

export function textOf(text: string, { from, to, fence }: Stretch): string {
  return fence + text.slice(from, to);
}

/** The code of the block that begins here, whole, without its fences. */
export function codeAt(text: string, from: number): string {
  const lines = text.slice(from).replace(/\r\n?/g, '\n').split('\n');
  const fence = lines[0] ?? '';
  const end = lines.findIndex((line, at) => at > 0 && closed(fence, line.trimEnd()));
  const inside = lines.slice(1, end < 0 ? undefined : end);
  // The end of the text is no line of the code.
  if (end < 0 && inside.at(-1) === '') inside.pop();
  // What the fence is indented by is no part of the code.
  const indent = new RegExp(`^ {0,${fence.search(/[`~]/)}}`);
  return inside.map((line) => line.replace(indent, '')).join('\n');
}

/** The stretches of a text that grows. They stay as they are, but the last one. */
export class Stretches {
  #text = '';
  #all: Stretch[] = [{ from: 0, fence: '' }];
  /** How much was looked at. */
  #at = 0;
  /** The line that opened the code block which is still open. */
  #fence = '';
  #fenceAt = 0;
  #afterEmpty = false;
  /** Whether the line goes on that a cut was made in. */
  #inLine = false;

  /** The stretches of the text now. When nothing was cut it is the same list. */
  read(text: string, live: boolean): readonly Stretch[] {
    // So little changes no more than the last stretch.
    if (live && text.length >= this.#text.length && text.length - this.#text.length < MORE) return this.#all;
    if (!text.startsWith(this.#text)) this.#startOver();
    this.#text = text;
    for (;;) {
      const end = text.indexOf('\n', this.#at) + 1;
      const long = end > 0 ? end - this.#at > LONGEST : text.length - this.#at > LONGEST;
      if (long) this.#take(text, this.#inside(text), false);
      else if (end > 0) this.#take(text, end, true);
      else return this.#all;
    }
  }

  #startOver() {
    this.#all = [{ from: 0, fence: '' }];
    this.#at = 0;
    this.#fence = '';
    this.#afterEmpty = false;
    this.#inLine = false;
  }

  /** A place in a line that is too long, and not in the middle of a character. */
  #inside(text: string): number {
    const at = this.#at + LONGEST;
    return /[\udc00-\udfff]/.test(text[at] ?? '') ? at - 1 : at;
  }

  /** Looks at the line, or the piece of a line, that ends at `end`. */
  #take(text: string, end: number, whole: boolean) {
    const line = text.slice(this.#at, end).trimEnd();
    const begins = !this.#inLine;
    const closes = this.#fence !== '' && begins && closed(this.#fence, line);
    const size = end - (this.#all.at(-1)?.from ?? 0);
    const between = this.#fence === '' && this.#afterEmpty && BEGINS.test(line);
    if (this.#at > 0 && !closes && ((size > LONG && between) || size > LONGEST)) this.#cut();
    if (closes) this.#fence = '';
    else if (this.#fence === '' && begins && FENCE.test(line)) {
      this.#fence = `${line}\n`;
      this.#fenceAt = this.#at;
    }
    this.#afterEmpty = begins && line === '';
    this.#inLine = !whole;
    this.#at = end;
  }

  #cut() {
    const last = this.#all.at(-1);
    const within = this.#fence === '' ? undefined : this.#fenceAt;
    this.#all = [
      ...this.#all.slice(0, -1),
      ...(last ? [{ ...last, to: this.#at, cutAtEnd: within }] : []),
      { from: this.#at, fence: this.#fence, cutAtStart: within },
    ];
  }
}

function closed(fence: string, line: string): boolean {
  const opened = FENCE.exec(fence.trimEnd())?.[1] ?? '';
  const closing = CLOSES.exec(line)?.[1] ?? '';
  return closing !== '' && closing.startsWith(opened);
}

/**
 * The output of a command as lines of styled runs, read as it grows: only what was added is parsed. Of escape
 * sequences colours, weight and erasing in the line are kept; all others, also their contents, are dropped.
 */

import { Line, type Run } from './line';
import { after, type Style } from './sgr';

/** What stops plain text: line ends, movement in the line, and what begins an escape sequence. */
const CONTROL = /[\n\r\b\u001b\u0090\u0098\u009b\u009d-\u009f]/g;
const ERASED = ['after', 'before', 'all'] as const;

export class GrowingOutput {
  #text = '';
  #done: Run[][] = [];
  #line = new Line();
  #style: Style = {};
  /** Where in an escape sequence the text ends. A line end ends each of them. */
  #in: 'text' | 'escape' | 'sequence' | 'string' = 'text';
  #parameters = '';
  /** The first half of a character whose other half has not come. */
  #half = '';

  /** The lines of the output now. A line that is finished is the same object as before. */
  read(output: string): Run[][] {
    if (!output.startsWith(this.#text)) this.#startOver();
    this.#feed(output.slice(this.#text.length));
    this.#text = output;
    return this.#line.empty && this.#done.length > 0 ? [...this.#done] : [...this.#done, this.#line.runs];
  }

  #startOver() {
    this.#text = '';
    this.#done = [];
    this.#line = new Line();
    this.#style = {};
    this.#in = 'text';
    this.#half = '';
  }

  #feed(added: string) {
    let text = this.#half + added;
    this.#half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? '';
    if (this.#half) text = text.slice(0, -1);
    let at = 0;
    while (at < text.length) {
      if (this.#in === 'text') {
        CONTROL.lastIndex = at;
        const end = CONTROL.exec(text)?.index ?? text.length;
        if (end > at) this.#line.write(text.slice(at, end), this.#style);
        at = end;
      }
      const char = text[at];
      // What belongs to no sequence ends it, and is looked at again as text.
      if (char !== undefined && this.#step(char)) at += 1;
    }
  }

  /** Takes a character that is no plain text. False: it ended a sequence that it is no part of. */
  #step(char: string): boolean {
    if (char === '\n') {
      this.#done.push(this.#line.runs);
      this.#line = new Line();
      this.#in = 'text';
      return true;
    }
    if (char === '\u001b') {
      this.#in = 'escape';
      return true;
    }
    switch (this.#in) {
      case 'text':
        if (char === '\r') this.#line.toStart();
        else if (char === '\b') this.#line.back();
        else this.#begin(char === '\u009b' ? 'sequence' : 'string');
        return true;
      case 'escape':
        if (char === '[') this.#begin('sequence');
        else if (/[\]PX^_]/.test(char)) this.#begin('string');
        else if (/[0-~]/.test(char)) this.#in = 'text';
        else return this.#goesOn(/[ -/]/.test(char));
        return true;
      case 'sequence':
        if (/[@-~]/.test(char)) this.#apply(char);
        else if (this.#goesOn(/[ -?]/.test(char))) this.#parameters += char;
        else return false;
        return true;
      case 'string':
        if (char === '\u0007' || char === '\u009c') this.#in = 'text';
        return true;
    }
  }

  #begin(what: 'sequence' | 'string') {
    this.#in = what;
    this.#parameters = '';
  }

  #goesOn(is: boolean): boolean {
    if (!is) this.#in = 'text';
    return is;
  }

  /** Does what a sequence asks for that ended with `char`. */
  #apply(char: string) {
    this.#in = 'text';
    if (/[^\d;:]/.test(this.#parameters)) return;
    if (char === 'm') this.#style = after(this.#style, this.#parameters);
    const erased = ERASED[Number(this.#parameters)];
    if (char === 'K' && erased) this.#line.erase(erased);
  }
}

/**
 * What the composer completes at the caret: after `@` files and symbols of the folder, after `/` at the start an action.
 * An `@` counts at the start and after white space alone: one inside a word is an address.
 */

import type { Action, Actions } from '../../app/actions.svelte';
import { marksOf } from '../../components/picker';
import { visibleName } from '../../components/visible';
import { markedLine } from '../../diff/marks';
import type { Part } from '../../diff/paint';
import type { SearchHit } from '../../protocol/SearchHit';
import { mention } from '../../state/drafts.svelte';
import type { Kerf } from '../../state/kerf.svelte';

export interface Choice {
  id: string;
  parts: Part[];
  /** More of it, quietly. */
  detail: string;
  code: boolean;
  /** What stands in the text for it; none: it is run instead. */
  text?: string;
  run?: () => unknown;
}

const FILES = 6;
const SYMBOLS = 4;
const ACTIONS = 8;

export class Completion {
  choices: Choice[] = $derived.by(() => this.#choices());
  /** The choice that Enter takes. */
  at = $state(0);

  /** What is being completed, and where it begins in the text; null: nothing. */
  #token: { sign: '@' | '/'; query: string; start: number; end: number } | null = $state.raw(null);
  /** Where the user closed the list: there it stays closed. */
  #closed: number | null = null;
  #moved = false;
  #kerf: Kerf;
  #actions: Actions;
  #files;
  #symbols;

  constructor(kerf: Kerf, actions: Actions) {
    this.#kerf = kerf;
    this.#actions = actions;
    this.#files = kerf.search.field();
    this.#symbols = kerf.search.field();
  }

  /** The text or the caret changed. */
  update(text: string, caret: number) {
    const before = text.slice(0, caret);
    const place = /(?:^|\s)@(\S{0,200})$/.exec(before);
    const command = /^\/(.*)$/.exec(before);
    this.at = 0;
    this.#moved = false;
    if (command) this.#token = { sign: '/', query: command[1] ?? '', start: 0, end: caret };
    else if (place) {
      const query = place[1] ?? '';
      this.#token = { sign: '@', query, start: caret - query.length - 1, end: caret };
    } else this.#token = null;
    if (this.#token?.start !== this.#closed) this.#closed = null;
    else this.#token = null;
    const sought = this.#token?.sign === '@' ? this.#token.query : '';
    this.#files.ask(this.#kerf.search.of({ query: sought, mode: 'path' }, FILES));
    this.#symbols.ask(this.#kerf.search.of({ query: sought, mode: 'symbol' }, SYMBOLS));
  }

  /** Whether what is typed at the caret is still looked for. */
  get waiting(): boolean {
    return this.#token?.sign === '@' && (this.#files.waiting || this.#symbols.waiting);
  }

  /** Resolves when the list is of what is typed now. Who went to a choice means that one. */
  async settled() {
    if (!this.#moved) await Promise.all([this.#files.settled(), this.#symbols.settled()]);
  }

  move(by: 1 | -1) {
    const { length } = this.choices;
    if (length === 0) return;
    this.#moved = true;
    this.at = (this.at + by + length) % length;
  }

  /** Closes the list until another sign is typed. */
  close() {
    this.#closed = this.#token?.start ?? null;
    this.#token = null;
  }

  /** The text with a choice in it, and where the caret is then. */
  take(text: string, which = this.at): { text: string; caret: number } | null {
    const token = this.#token;
    const choice = this.choices[which];
    this.#token = null;
    if (!token || !choice) return null;
    const put = choice.text === undefined ? '' : `${choice.text} `;
    void choice.run?.();
    return {
      text: text.slice(0, token.start) + put + text.slice(token.end),
      caret: token.start + put.length,
    };
  }

  #choices(): Choice[] {
    const token = this.#token;
    if (!token) return [];
    if (token.sign === '/') {
      const query = token.query.toLowerCase();
      return this.#actions.listed
        .filter(({ title }) => title.toLowerCase().includes(query))
        .slice(0, ACTIONS)
        .map((action) => actionChoice(action, query));
    }
    if (token.query === '') {
      const { folder, search } = this.#kerf;
      return (folder === null ? [] : search.recent.of(folder))
        .slice(0, FILES)
        .map((path) => fileChoice(path, []));
    }
    return [
      ...(this.#files.answer?.hits ?? []).map(({ path, marks }) => fileChoice(path, marks)),
      ...(this.#symbols.answer?.hits ?? []).map((hit) => symbolChoice(hit, token.query)),
    ];
  }
}

function actionChoice({ id, title, run }: Action, query: string): Choice {
  return { id, parts: markedLine(title, marksOf(title, query)), detail: '', code: false, run };
}

function fileChoice(path: string, marks: [number, number][]): Choice {
  return { id: `file ${path}`, parts: markedLine(path, marks), detail: '', code: true, text: mention(path) };
}

function symbolChoice({ path, line, symbol, symbol_kind, text }: SearchHit, query: string): Choice {
  const name = symbol ?? text.trim();
  return {
    id: `symbol ${path}:${line} ${name}`,
    parts: markedLine(name, marksOf(name, query)),
    detail: `${symbol_kind ? `${visibleName(symbol_kind)} · ` : ''}${visibleName(path)}:${line}`,
    code: true,
    text: mention(path, line),
  };
}

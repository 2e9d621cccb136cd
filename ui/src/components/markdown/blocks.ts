/**
 * Markdown of a model as a list of blocks: each is sanitised once and kept. What a model writes is hostile: raw HTML
 * is shown as text, an image as words, and nothing that comes out of here makes the page ask for anything.
 */

import DOMPurify from 'dompurify';
import { Marked, Renderer, type Token, type Tokens } from 'marked';
import remend from 'remend';
import { visible } from '../visible';

export type Block =
  { key: number; type: 'html'; html: string } | { key: number; type: 'code'; code: string; language: string };

const escape = (text: string) =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

/** The address of a link that may be opened after a question; null for every other scheme. */
export function safeLink(href: string): URL | null {
  try {
    const url = new URL(href);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

function hostOf(href: string): string {
  const url = safeLink(href);
  return url ? url.host || url.pathname : (/^[a-z]+:/i.exec(href)?.[0] ?? 'file').slice(0, 40);
}

const renderer = new Renderer();
renderer.html = ({ text }) => escape(text);
renderer.image = ({ text, href }) =>
  `<span class="image">image: ${escape(text || 'no description')} (${escape(hostOf(href))})</span>`;
renderer.link = function ({ href, tokens, text }) {
  const url = safeLink(href);
  const words = this.parser.parseInline(tokens);
  if (!url) return words;
  const host = url.host || url.pathname;
  const address = url.href.replace(/\/$/, '');
  const says = text.replace(/\/$/, '') === address;
  const after = says ? '' : ` <span class="host">(${escape(host)})</span>`;
  return `<span class="link" role="link" tabindex="0" title="${escape(url.href)}" data-url="${escape(url.href)}">${words}</span>${after}`;
};
renderer.checkbox = ({ checked }) => `<span class="box">${checked ? '☑' : '☐'}</span> `;
renderer.code = ({ text }) => `<pre><code>${escape(text)}</code></pre>`;

const marked = new Marked({ renderer, gfm: true, async: false });

const TAGS =
  'p h1 h2 h3 h4 h5 h6 strong em del code pre ul ol li blockquote hr br table thead tbody tr th td span'.split(
    ' ',
  );
const ATTRIBUTES = ['class', 'role', 'tabindex', 'title', 'data-url', 'start', 'align'];

function htmlOf(token: Token, links: Tokens.Link | object): string {
  const list = Object.assign([token], { links }) as never;
  const html = marked.parser(list);
  return DOMPurify.sanitize(html, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ATTRIBUTES, ALLOW_DATA_ATTR: false });
}

/** A text that grows: blocks that later text cannot change are parsed once, only the last one again. */
export class GrowingMarkdown {
  #text = '';
  #done: Block[] = [];
  /** How much of the text is in `#done`. */
  #from = 0;

  /** The blocks of the text now. A block that did not change is the same object. */
  read(text: string, live: boolean): Block[] {
    const clean = text.replace(/\r\n?/g, '\n');
    if (!clean.startsWith(this.#text.slice(0, this.#from))) {
      this.#done = [];
      this.#from = 0;
    }
    this.#text = clean;
    const tail = clean.slice(this.#from);
    const tokens = marked.lexer(tail);
    const last = tokens.findLastIndex(({ type }) => type !== 'space');
    const done = [...this.#done];
    const before = tokens.slice(0, Math.max(last, 0));
    for (const token of before)
      if (token.type !== 'space') done.push(this.#block(token, tokens.links, done.length));
    const raw = before.map((token) => token.raw).join('');
    // The lexer may write white space anew; such blocks are not kept, but read again each time.
    if (tail.startsWith(raw)) {
      this.#done = done;
      this.#from += raw.length;
    }
    const open = tokens[last];
    if (!open) return done;
    if (!live) return [...done, this.#block(open, tokens.links, done.length)];
    const mended = marked.lexer(open.type === 'code' ? open.raw : remend(open.raw));
    const blocks = mended.filter(({ type }) => type !== 'space');
    return [...done, ...blocks.map((token, at) => this.#block(token, mended.links, done.length + at))];
  }

  #block(token: Token, links: object, key: number): Block {
    if (token.type === 'code') {
      const { text, lang } = token as Tokens.Code;
      return { key, type: 'code', code: text, language: (lang ?? '').split(/\s/)[0] ?? '' };
    }
    return { key, type: 'html', html: visible(htmlOf(token, links)) };
  }
}

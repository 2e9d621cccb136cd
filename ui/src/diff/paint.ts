/**
 * Colours and word marks of code, from the diff library. Nothing else in the interface imports it for diffs.
 *
 * The library's own views are not used. Its list of many files (`CodeView`) takes no custom hunk header (custom
 * separators are left out of its options, and deprecated in the others); its annotations stand under one line in one
 * column, and rows know nothing of the hunk that they belong to. Hunks here are decided one by one, may touch each
 * other, and show what was decided, so `DiffView` lays out rows of its own and asks the library for what is in them.
 * The library compares words within pairs of lines only: which lines changed is what the engine said.
 */

import type { DiffsHighlighter, FileDiffMetadata } from '@pierre/diffs';
import type { HunkLine } from '../protocol/HunkLine';

type CodeKind = 'keyword' | 'string' | 'comment' | 'name' | 'number' | 'type';

/** A run of a line that looks the same. */
export interface Part {
  text: string;
  kind?: CodeKind;
  /** Whether it is what changed within the line. */
  word: boolean;
}

/** Paints lines that stand together; in the order of the lines. */
export type Painter = (path: string, lines: HunkLine[]) => Part[][];

const THEME = 'kerf';
/** Longer lines are not looked into: minified code says nothing by its colours. */
const LONGEST = 2000;

/** What the library calls the parts of code, and what they are here. */
const SYNTAX = {
  comment: 'comment',
  string: 'string',
  keyword: 'keyword',
  preproc: 'keyword',
  boolean: 'keyword',
  number: 'number',
  constant: 'number',
  function: 'name',
  constructor: 'name',
  title: 'name',
  tag: 'keyword',
  attribute: 'name',
  type: 'type',
  'property.json_key': 'keyword',
} as const satisfies Record<string, CodeKind>;

export function plain(lines: HunkLine[]): Part[][] {
  return lines.map(({ text }) => [{ text, word: false }]);
}

let loading: Promise<Painter> | undefined;

/** Loads the library, once, when code is first shown. */
export function loadPainter(): Promise<Painter> {
  return (loading ??= load());
}

async function load(): Promise<Painter> {
  const library = await import('@pierre/diffs');
  library.registerCustomTheme(
    THEME,
    () =>
      Promise.resolve({
        name: THEME,
        type: 'dark' as const,
        fg: 'var(--ink)',
        bg: 'transparent',
        zed: {
          name: THEME,
          appearance: 'dark' as const,
          cssVariables: { prefix: '--code-', defaults: {} },
          style: { 'editor.foreground': 'text', 'editor.background': 'ground', syntax: SYNTAX },
        },
      } as never),
    'diffs',
  );
  const highlighter = await library.getSharedHighlighter({
    themes: [THEME],
    langs: [],
    preferredHighlighter: 'highlights',
  });
  return (path, lines) => paint(library.renderDiffWithHighlighter, highlighter, path, lines);
}

type Render = typeof import('@pierre/diffs').renderDiffWithHighlighter;

function paint(render: Render, highlighter: DiffsHighlighter, path: string, lines: HunkLine[]): Part[][] {
  const { code } = render(toDiff(path, lines), highlighter, {
    theme: THEME,
    useTokenTransformer: false,
    tokenizeMaxLineLength: LONGEST,
    lineDiffType: 'word-alt',
    maxLineDiffLength: LONGEST,
  });
  let removed = 0;
  let added = 0;
  return lines.map(({ kind, text }) => {
    const old = kind === 'added' ? undefined : code.deletionLines[removed++];
    const now = kind === 'removed' ? undefined : code.additionLines[added++];
    const parts = unmarked(partsOf(now ?? old));
    // What is shown is what is in the file, whatever the library made of it.
    return parts.map((part) => part.text).join('') === text ? parts : [{ text, word: false }];
  });
}

/** Lines of a hunk as the library takes them: both texts, and which stretches of them stand beside each other. */
export function toDiff(path: string, lines: HunkLine[]): FileDiffMetadata {
  const deletionLines: string[] = [];
  const additionLines: string[] = [];
  const hunkContent: FileDiffMetadata['hunks'][number]['hunkContent'] = [];
  let rows = 0;
  for (const [at, { kind, text }] of lines.entries()) {
    const last = hunkContent.at(-1);
    const starts = { additionLineIndex: additionLines.length, deletionLineIndex: deletionLines.length };
    if (kind === 'context') {
      if (last?.type === 'context') last.lines += 1;
      else hunkContent.push({ type: 'context', lines: 1, ...starts });
    } else {
      // Removed lines after added ones begin a change of their own.
      const joins = last?.type === 'change' && !(kind === 'removed' && lines[at - 1]?.kind === 'added');
      const change = joins ? last : { type: 'change' as const, additions: 0, deletions: 0, ...starts };
      if (!joins) hunkContent.push(change);
      if (kind === 'added') change.additions += 1;
      else change.deletions += 1;
    }
    if (kind !== 'added') deletionLines.push(`${text}\n`);
    if (kind !== 'removed') additionLines.push(`${text}\n`);
  }
  for (const content of hunkContent)
    rows += content.type === 'context' ? content.lines : Math.max(content.additions, content.deletions);
  const length = (texts: string[]) => texts.reduce((sum, { length }) => sum + length, 0);
  const first = (side: 'old' | 'new') => lines.find((line) => line[side] !== null)?.[side] ?? 0;
  return {
    name: path,
    type: 'change',
    isPartial: true,
    splitLineCount: rows,
    unifiedLineCount: lines.length,
    deletionLines,
    additionLines,
    deletionCharacterCount: length(deletionLines),
    additionCharacterCount: length(additionLines),
    hunks: [
      {
        collapsedBefore: 0,
        additionStart: first('new'),
        additionCount: additionLines.length,
        additionLines: lines.filter(({ kind }) => kind === 'added').length,
        additionLineIndex: 0,
        deletionStart: first('old'),
        deletionCount: deletionLines.length,
        deletionLines: lines.filter(({ kind }) => kind === 'removed').length,
        deletionLineIndex: 0,
        hunkContent,
        splitLineStart: 0,
        splitLineCount: rows,
        unifiedLineStart: 0,
        unifiedLineCount: lines.length,
        noEOFCRAdditions: false,
        noEOFCRDeletions: false,
      },
    ],
  };
}

/** What is used of the library's tree of a line. */
interface Node {
  type: string;
  value?: string;
  properties?: Record<string, unknown>;
  children?: Node[];
}

function partsOf(line: unknown): Part[] {
  const parts: Part[] = [];
  const walk = (node: Node, kind: CodeKind | undefined, word: boolean) => {
    if (node.type === 'text') {
      const text = node.value ?? '';
      const last = parts.at(-1);
      if (last && last.kind === kind && last.word === word) last.text += text;
      else parts.push(kind ? { text, kind, word } : { text, word });
      return;
    }
    const style = node.properties?.style;
    const own = typeof style === 'string' ? /var\(--code-(\w+)\)/.exec(style)?.[1] : undefined;
    const isWord = word || node.properties?.['data-diff-span'] !== undefined;
    for (const child of node.children ?? []) walk(child, isKind(own) ? own : kind, isWord);
  };
  if (line) walk(line as Node, undefined, false);
  // The library puts a line end in an empty line.
  return parts.length === 1 && parts[0]?.text === '\n' ? [{ text: '', word: false }] : parts;
}

/** How much of a line may be marked as changed. A line that is nearly another one needs no marks. */
const MARKED = 0.7;

/** The parts without their marks when most of the line would be marked. */
function unmarked(parts: Part[]): Part[] {
  const length = (wanted: Part[]) =>
    wanted.reduce((sum, { text }) => sum + text.replace(/\s/g, '').length, 0);
  const words = parts.filter(({ word }) => word);
  if (words.length === 0 || length(words) <= length(parts) * MARKED) return parts;
  return parts.map((part) => ({ ...part, word: false }));
}

const KINDS = new Set<string | undefined>(Object.values(SYNTAX));

function isKind(name: string | undefined): name is CodeKind {
  return KINDS.has(name);
}

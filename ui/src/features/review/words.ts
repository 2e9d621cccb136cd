/** What the review says in words: states, files, authors, numbers. */

import type { Author } from '../../protocol/Author';
import type { FileOutline } from '../../protocol/FileOutline';
import type { FileStatus } from '../../protocol/FileStatus';
import type { NotebookCell } from '../../protocol/NotebookCell';
import type { Opaque } from '../../protocol/Opaque';
import { counted } from '../../components/format';
import { visibleLine, visibleName } from '../../components/visible';
import type { TaskCheck } from '../../protocol/TaskCheck';
import type { Conversation } from '../../state/conversation.svelte';
import type { ReviewState } from '../../state/review.svelte';

export const STATUS: Record<FileStatus, { letter: string; word: string }> = {
  created: { letter: 'A', word: 'added' },
  modified: { letter: 'M', word: 'modified' },
  deleted: { letter: 'D', word: 'deleted' },
  renamed: { letter: 'R', word: 'renamed' },
  mode: { letter: 'P', word: 'permissions changed' },
  replaced: { letter: 'T', word: 'became something else' },
};

export const OPAQUE: Record<Opaque, string> = {
  binary: 'Binary file, not shown line by line',
  link: 'Symbolic link',
  huge: 'Too large to be shown line by line',
};

/** Written by package managers, and read by nobody line by line. */
const LOCK_FILES = new Set([
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
  'deno.lock',
  'Cargo.lock',
  'poetry.lock',
  'uv.lock',
  'Pipfile.lock',
  'composer.lock',
  'Gemfile.lock',
  'go.sum',
  'flake.lock',
  'Podfile.lock',
  'Package.resolved',
  'mix.lock',
  'pubspec.lock',
  'packages.lock.json',
]);

export function isLockFile(path: string): boolean {
  return LOCK_FILES.has(nameOf(path));
}

/** Whether a file is meant to be a picture that can be drawn. */
export function isPicture({ path, opaque }: FileOutline): boolean {
  return opaque !== 'link' && /\.(png|jpe?g|gif|webp|svg)$/i.test(path);
}

/** Whether a file is meant to be a notebook that is reviewed line by line. */
export function isNotebook({ path, opaque }: FileOutline): boolean {
  return !opaque && /\.ipynb$/i.test(path);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export interface FileCounts {
  added: number;
  removed: number;
  decided: number;
  hunks: number;
}

export function countsOf({ hunks }: FileOutline): FileCounts {
  const counts = { added: 0, removed: 0, decided: 0, hunks: hunks.length };
  for (const { added, removed, state } of hunks) {
    counts.added += added;
    counts.removed += removed;
    if (state !== 'pending') counts.decided += 1;
  }
  return counts;
}

/** Who made something: `edit_file, turn 1`; `you`. */
export function makerOf(
  author: Author,
  conversation: Pick<Conversation, 'turns' | 'find'> | undefined,
): string {
  if (author.type === 'user') return 'you';
  const turn = (conversation?.turns.findIndex(({ id }) => id === author.turn_id) ?? -1) + 1;
  const item = conversation?.find(author.item_id)?.item;
  const how =
    item?.type === 'tool_call' ? visibleLine(item.tool) : author.type === 'tool' ? 'edit' : 'command';
  return turn > 0 ? `${how}, turn ${turn}` : how;
}

/** Who made a hunk: `from edit_file, turn 1 and you`. */
export function madeBy(
  authors: Author[],
  conversation: Pick<Conversation, 'turns' | 'find'> | undefined,
): string {
  const words = [...new Set(authors.map((author) => makerOf(author, conversation)))];
  return words.length > 0 ? `from ${words.join(' and ')}` : '';
}

/** `line 41`, `lines 40 to 41`. */
export function linesOf(first: number, last: number): string {
  return first === last ? `line ${first}` : `lines ${first} to ${last}`;
}

/** What an undo takes back: `Undo: reject of hunk 2 in a.rs`. */
export function undoWords({
  lastDecided,
  lastDecision,
}: Pick<ReviewState, 'lastDecided' | 'lastDecision'>): string {
  const [first] = lastDecided;
  if (!lastDecision || !first) return 'Undo the last decision';
  const { decision, target } = lastDecision;
  const hunks = counted(lastDecided.length, 'hunk');
  const files = new Set(lastDecided.map(({ path }) => path)).size;
  const what =
    target.type === 'lines'
      ? `${counted(target.lines.length, 'line')} in hunk ${first.hunk} of ${first.path}`
      : lastDecided.length === 1
        ? `hunk ${first.hunk} in ${first.path}`
        : `${hunks} in ${files === 1 ? first.path : counted(files, 'file')}`;
  return `Undo: ${decision} of ${visibleName(what)}`;
}

/** How a check ended: `passed`, `failed (101)`, `stopped`. */
export function outcomeOf({ outcome, code }: TaskCheck): string {
  return outcome === 'failed' && code !== null ? `failed (${code})` : outcome;
}

/** What became of a cell of a notebook: `Cell 3 changed`. */
export function cellWords({ change, before, after }: NotebookCell): string {
  const was = before !== undefined && after !== undefined && before !== after ? `, was ${before}` : '';
  switch (change) {
    case 'added':
      return `Cell ${after} added`;
    case 'removed':
      return `Cell ${before} removed`;
    case 'source':
      return `Cell ${after}${was} changed`;
    case 'output':
      return `Cell ${after}${was}: only its output changed`;
  }
}

/** By what ending the language of code is known; what is not here is shown without colours. */
const ENDINGS: Record<string, string> = {
  python: 'py',
  r: 'r',
  julia: 'jl',
  javascript: 'js',
  typescript: 'ts',
  rust: 'rs',
  scala: 'scala',
  bash: 'sh',
};

/** A name by which the code of a cell is coloured. */
export function cellName({ kind }: NotebookCell, language: string): string {
  if (kind === 'markdown') return 'cell.md';
  return `cell.${kind === 'code' ? (ENDINGS[language.toLowerCase()] ?? 'txt') : 'txt'}`;
}

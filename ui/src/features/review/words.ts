/** What the review says in words: states, files, authors, numbers. */

import type { Author } from '../../protocol/Author';
import type { FileOutline } from '../../protocol/FileOutline';
import type { FileStatus } from '../../protocol/FileStatus';
import type { HunkLine } from '../../protocol/HunkLine';
import type { Opaque } from '../../protocol/Opaque';
import { counted } from '../../components/format';
import { isPlain, visibleName } from '../../components/visible';
import type { TurnHead } from '../../state/conversation.svelte';
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

/** Who made a hunk: `turn 1 · edit, you`. */
export function madeBy(authors: Author[], turns: Pick<TurnHead, 'id'>[]): string {
  const words = authors.map((author) => {
    if (author.type === 'user') return 'you';
    const turn = turns.findIndex(({ id }) => id === author.turn_id) + 1;
    const how = author.type === 'tool' ? 'edit' : 'command';
    return turn > 0 ? `turn ${turn} · ${how}` : how;
  });
  return [...new Set(words)].join(', ');
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

const hidden = new WeakMap<HunkLine[], boolean>();

/** Whether lines that are changed hold characters that are hidden or misleading. */
export function hidesCharacters(stretches: HunkLine[][] | null): boolean {
  return stretches?.some(hides) ?? false;
}

function hides(lines: HunkLine[]): boolean {
  const known = hidden.get(lines);
  if (known !== undefined) return known;
  const found = lines.some(({ kind, text }) => kind !== 'context' && !isPlain(text));
  hidden.set(lines, found);
  return found;
}

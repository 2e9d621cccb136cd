/** Reviews for tests, as the engine would answer. */

import type { Handlers } from '../../backend/fake';
import { isPlain } from '../../components/visible';
import type { Comment } from '../../protocol/Comment';
import type { FileOutline } from '../../protocol/FileOutline';
import type { Hunk } from '../../protocol/Hunk';
import type { HunkLine } from '../../protocol/HunkLine';
import type { ReviewFile } from '../../protocol/ReviewFile';

/**
 * A hunk from lines that begin with ` `, `-` or `+`, numbered from `old` and `new`. A text may be anything after that
 * sign.
 */
export function hunk(number: number, texts: string[], change: Partial<Hunk> & { at?: number } = {}): Hunk {
  const { at = 1, ...rest } = change;
  let [old, now] = [at, at];
  const lines = texts.map((text): HunkLine => {
    const kind = text.startsWith('+') ? 'added' : text.startsWith('-') ? 'removed' : 'context';
    return {
      kind,
      old: kind === 'added' ? null : old++,
      new: kind === 'removed' ? null : now++,
      text: text.slice(1),
    };
  });
  return {
    hunk: number,
    id: number,
    state: 'pending',
    header: '',
    added: lines.filter(({ kind }) => kind === 'added').length,
    removed: lines.filter(({ kind }) => kind === 'removed').length,
    authors: [{ type: 'tool', turn_id: 'turn-1', item_id: 'item-1' }],
    lines,
    ...rest,
  };
}

export function file(path: string, hunks: Hunk[], change: Partial<ReviewFile> = {}): ReviewFile {
  return { path, status: 'modified', hunks, ...change };
}

/** The review of a small fix: three hunks in one file, others beside it. */
export function fix(): ReviewFile[] {
  return [
    file('CHANGELOG.md', [hunk(1, [' # Changes', '+- Refunds round to even.', '+'], { state: 'accepted' })]),
    file('crates/money/src/money.rs', [
      hunk(
        1,
        [
          '    pub fn split(self, parts: u32) -> Vec<Money> {',
          '         let total = self.minor;',
          '-        let share = total.div_ceil(parts as i64);',
          '+        let share = div_half_even(total, parts as i64);',
          '+        let rest = total - share * parts as i64;',
          '         (0..parts).map(|i| Money::new(share, self.currency))',
        ],
        { at: 38, header: 'impl Money › fn split' },
      ),
      hunk(
        2,
        [
          ' ',
          '+/// Divides, rounding halves to the even neighbour.',
          '+fn div_half_even(n: i64, d: i64) -> i64 {',
          '+    let (q, r) = (n.div_euclid(d), n.rem_euclid(d));',
          '+    match (2 * r).cmp(&d) {',
          '+        Ordering::Greater => q + 1,',
          '+        Ordering::Equal => q + (q & 1),',
        ],
        { at: 73, header: 'fn div_half_even' },
      ),
      hunk(3, ['     let a = 1;', '-    old_name(a);', '     let b = 2;'], {
        at: 120,
        header: 'fn tidy',
        state: 'rejected',
        authors: [{ type: 'command', turn_id: 'turn-1', item_id: 'item-2' }, { type: 'user' }],
      }),
    ]),
    file(
      'crates/money/tests/rounding.rs',
      [hunk(1, ['+#[test]', '+fn halves_go_to_even() {', '+    assert_eq!(div_half_even(5, 2), 2);', '+}'])],
      { status: 'created' },
    ),
  ];
}

/**
 * The outline and the lines of reviews, as the engine would answer. Of files whose proposed text is known, the lines
 * around can be read.
 */
export function overReview(files: () => ReviewFile[], texts: Record<string, string[]> = {}): Handlers {
  const outline = (file: ReviewFile): FileOutline => {
    const lines = texts[file.path]?.length;
    return lines === undefined ? outlineOf(file) : { ...outlineOf(file), lines };
  };
  const comments: Comment[] = [];
  return {
    'review/around': ({ path, first, count }) => {
      const lines = (texts[path] ?? []).slice(first - 1, first - 1 + count);
      const numbered = lines.map((text, at): HunkLine => {
        return { kind: 'context', old: first + at, new: first + at, text };
      });
      return { lines: numbered, stale: false };
    },
    'review/checks': () => [],
    'review/comments': () => comments.map((comment) => ({ comment, gone: false })),
    'review/comment': ({ comment }) => {
      comments.push(comment);
      return {};
    },
    'review/outline': ({ known }) => {
      const now = files().map(outline);
      return {
        paths: now.map(({ path }) => path),
        files: now.filter(({ path, revision }) => known[path] !== revision),
      };
    },
    'review/lines': ({ wanted }) => {
      const parts = wanted.flatMap(({ path, content, hunk: number, first, count }) => {
        const file = files().find((file) => file.path === path && outlineOf(file).content === content);
        const hunk = file?.hunks.find((other) => other.hunk === number);
        if (!hunk) return [];
        const { header, authors, made_by } = hunk;
        const lines = hunk.lines.slice(first, first + count);
        return [
          { path, content, hunk: number, header, authors, made_by, ends_only: endsOnly(hunk), first, lines },
        ];
      });
      return { parts, stale: parts.length < wanted.length };
    },
  };
}

function outlineOf({ hunks, ...file }: ReviewFile): FileOutline {
  return {
    ...file,
    revision: numberOf([file, hunks]),
    content: numberOf(hunks.map(({ lines, authors, header }) => [lines, authors, header])),
    hunks: hunks.map(({ hunk, id, state, lines }) => {
      const of = (wanted: string) => lines.filter(({ kind }) => kind === wanted);
      const [removed, added] = [of('removed'), of('added')];
      const changes = lines.findIndex(({ kind }) => kind !== 'context');
      const above = changes < 0 ? lines.length : changes;
      return {
        hunk,
        id,
        state,
        old: lines.find((line) => line.old !== null)?.old ?? 1,
        new: lines.find((line) => line.new !== null)?.new ?? 1,
        above,
        removed: removed.length,
        added: added.length,
        below: lines.length - above - removed.length - added.length,
        space_only: removed.length + added.length > 0 && ink(removed) === ink(added),
        disguised: [...removed, ...added].some(({ text }) => !isPlain(text)),
      };
    }),
  };
}

/** Texts without their white space. */
function ink(lines: HunkLine[]): string {
  return lines.map(({ text }) => text.replace(/[ \t\r\f]/g, '')).join('');
}

function endsOnly({ lines }: Hunk): boolean {
  const texts = (wanted: string) =>
    lines.filter(({ kind }) => kind === wanted).map(({ text, no_newline }) => text + Boolean(no_newline));
  const added = texts('added');
  return added.length > 0 && texts('removed').join('\n') === added.join('\n');
}

const numbers = new Map<string, number>();

/** A number that stands for what something is. */
function numberOf(what: unknown): number {
  const name = JSON.stringify(what);
  const number = numbers.get(name) ?? numbers.size + 1;
  numbers.set(name, number);
  return number;
}

/** Many files with many changed lines, as a change of everything would make. */
export function large(files: number, lines: number): ReviewFile[] {
  return Array.from({ length: files }, (_, at) =>
    file(`src/part-${String(at).padStart(4, '0')}/module.ts`, [
      hunk(
        1,
        Array.from({ length: lines }, (_, line) =>
          line < lines / 2
            ? `-  const value${line} = read(${line});`
            : `+  const value${line - lines / 2} = await read(${line - lines / 2}, 'b');`,
        ),
      ),
    ]),
  );
}

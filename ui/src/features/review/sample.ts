/** Reviews for tests, as the engine would answer. */

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

/** Many files with many changed lines, as a change of everything would make. */
export function large(files: number, lines: number): ReviewFile[] {
  return Array.from({ length: files }, (_, at) =>
    file(`src/part-${String(at).padStart(4, '0')}/module.ts`, [
      hunk(
        1,
        Array.from({ length: lines }, (_, line) =>
          line % 2 === 0
            ? `-  const value${line} = read(${line});`
            : `+  const value${line} = await read(${line}, 'b');`,
        ),
      ),
    ]),
  );
}

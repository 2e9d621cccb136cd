import { expect, test } from 'vitest';
import { inlineCode } from './inline';

test.each([
  ['Mend `split` and `a.rs`', ['Mend ', '[split]', ' and ', '[a.rs]']],
  ['``a ` b``', ['[a ` b]']],
  ['`` `a` ``', ['[`a`]']],
  ['no ` end', ['no ` end']],
  ['``a`', ['``a`']],
  ['`` x', ['`` x']],
  ['`<b>`', ['[<b>]']],
  ['', []],
])('%j', (text, parts) => {
  expect(inlineCode(text).map(({ text, code }) => (code ? `[${text}]` : text))).toEqual(parts);
});

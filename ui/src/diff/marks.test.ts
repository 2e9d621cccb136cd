import { expect, test } from 'vitest';
import { markedCode, withMarks } from './marks';

const words = (parts: { text: string; word: boolean }[]) =>
  parts.map(({ text, word }) => (word ? `[${text}]` : text)).join('|');

test.each<[string[], [number, number][], string]>([
  [['let share'], [], 'let share'],
  [['let share'], [[4, 9]], 'let |[share]'],
  [['let ', 'sh', 'are'], [[2, 6]], 'le|[t ]|[sh]|are'],
  [
    ['abc'],
    [
      [0, 1],
      [2, 3],
    ],
    '[a]|b|[c]',
  ],
  // Marks that lie on each other, end before they begin, or leave the line, lose no text.
  [
    ['abcd'],
    [
      [0, 3],
      [1, 2],
      [3, 2],
      [3, 99],
    ],
    '[abc]|[d]',
  ],
])('%j with %j', (texts, marks, expected) => {
  expect(
    words(
      withMarks(
        texts.map((text) => ({ text, word: false })),
        marks,
      ),
    ),
  ).toBe(expected);
});

test('the marks of code move with its indentation', () => {
  expect(
    words(
      markedCode('\t  let a', [
        [1, 2],
        [3, 6],
      ]),
    ),
  ).toBe('[let]| a');
});

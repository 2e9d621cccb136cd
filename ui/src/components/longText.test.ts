import { expect, test } from 'vitest';
import { cutLine, endOf, piecesOf, startOf } from './longText';

const TEXTS: [string, string][] = [
  ['lines', 'some words\n'.repeat(5000)],
  ['empty lines', '\n'.repeat(9000)],
  ['one line', 'words '.repeat(5000)],
  ['pairs', '\u{1f600}'.repeat(9001)],
  ['a line after a pair', `x${'\u{1f600}'.repeat(1500)}\nend`],
];

test.each(TEXTS)('%s: the pieces are the text, and none is long', (_, text) => {
  const pieces = piecesOf(text);
  expect(pieces.join('').replaceAll('\n', '')).toBe(text.replaceAll('\n', ''));
  for (const piece of pieces) {
    expect(piece.length).toBeLessThanOrEqual(2000);
    expect(piece).not.toMatch(/\p{Surrogate}/u);
  }
  // A line end is lost between two pieces, and at the very end, only.
  const lost = text.split('\n').length - pieces.join('').split('\n').length;
  expect(lost).toBeLessThanOrEqual(pieces.length);
});

test.each(TEXTS)('%s: cut into parts it is all there', (_, text) => {
  const parts = cutLine(text);
  expect(parts.join('')).toBe(text);
  for (const part of parts) {
    expect(part.length).toBeLessThanOrEqual(2000);
    expect(part).not.toMatch(/\p{Surrogate}/u);
  }
});

test('an empty line is a line', () => {
  expect(cutLine('')).toEqual(['']);
});

test.each(TEXTS)('%s: its start and its end', (_, text) => {
  expect(text.startsWith(startOf(text, 1001))).toBe(true);
  expect(text.endsWith(endOf(text, 1001))).toBe(true);
  for (const part of [startOf(text, 1001), endOf(text, 1001)]) {
    expect(part.length).toBeGreaterThan(400);
    expect(part.length).toBeLessThanOrEqual(1002);
    expect(part).not.toMatch(/\p{Surrogate}/u);
  }
});

test('a short text is whole', () => {
  expect([startOf('ab', 5), endOf('ab', 5)]).toEqual(['ab', 'ab']);
  expect(piecesOf('a\nb')).toEqual(['a\nb']);
});

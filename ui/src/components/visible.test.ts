import { expect, test } from 'vitest';
import { isPlain, pieces, visible, visibleLine, visibleName } from './visible';

test.each([
  ['plain text, tabs\tand “quotes”', true],
  ['żółć, Привет, 日本語, العربية', true],
  ['👩‍💻 and ❤️', true],
  ['bidi \u202e', false],
  ['zero\u200bwidth', false],
  ['tag \u{e0041}', false],
  ['escape \u001b[31m', false],
  ['bell \u0007 and c1 \u009b', false],
  ['\u0430dmin', false],
  ['pаypаl', false],
  ['α and x', true],
  ['\ufeffbom', false],
])('%j is what it looks like: %s', (text, plain) => {
  expect(isPlain(text)).toBe(plain);
});

test('hidden and misleading characters are marked where they stand', () => {
  expect(pieces('a\u202eb')).toEqual([
    { text: 'a', mark: false },
    { text: '‹U+202E›', mark: true },
    { text: 'b', mark: false },
  ]);
  expect(visibleName('a\n\u200f/b')).toBe('a‹U+000A›‹U+200F›/b');
  // The word goes beyond the part.
  expect(pieces('\u0430', '\u0430dmin', 0).map(({ text }) => text)).toEqual(['\u0430', '‹U+0430›']);
});

test('a text shows what hides in it, and emoji as what they are', () => {
  expect(visible('a\u202eb\n\tc\u200d\u{e0041}')).toBe('a‹U+202E›b\n\tc‹U+200D›‹U+E0041›');
  expect(visible('👩‍💻 👩🏽‍💻 ❤️‍🔥')).toBe('👩‍💻 👩🏽‍💻 ❤️‍🔥');
  expect(visibleLine('a \n\t b\u2066')).toBe('a b‹U+2066›');
});

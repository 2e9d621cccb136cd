import { expect, test } from 'vitest';
import { GrowingOutput } from './output';

const linesOf = (output: string) => new GrowingOutput().read(output);
const text = (output: string) => linesOf(output).map((runs) => runs.map((run) => run.text).join(''));

test('colours become tokens', () => {
  expect(linesOf('\u001b[1;31mno\u001b[0m yes')).toEqual([
    [{ text: 'no', colour: 'del', bold: true }, { text: ' yes' }],
  ]);
  expect(linesOf('\u001b[38;2;250;10;10mx')[0]?.[0]?.colour).toBe('del');
  expect(linesOf('\u001b[38;5;46mx')[0]?.[0]?.colour).toBe('add');
});

test('a carriage return writes over the line', () => {
  expect(text('10%\r100%\rdone\u001b[K\nnext\r\nlast')).toEqual(['done', 'next', 'last']);
});

test('a line is erased before or after the place to write at, or whole', () => {
  expect(text('long words\u001b[2K\rok')).toEqual(['ok']);
  expect(text('abc\u001b[2Kd')).toEqual(['   d']);
  expect(text('abcd\b\b\u001b[1Kx')).toEqual(['  xd']);
  expect(text('abcd\b\b\u001b[K')).toEqual(['ab']);
});

test('a sequence that does not end takes no more than its line', () => {
  expect(text('a\u001b]0;title\nb\u001b[31\nc\u001b')).toEqual(['a', 'b', 'c']);
  expect(text('a\u001b[3\u00e9b')).toEqual(['a\u00e9b']);
});

test('the last line end begins no line', () => {
  expect(text('')).toEqual(['']);
  expect(text('a\n')).toEqual(['a']);
  expect(text('a\n\n')).toEqual(['a', '']);
});

test('titles, links, clipboard and movement are dropped', () => {
  expect(
    text(
      'a\u001b]0;title\u0007b\u001b]52;c;aGk=\u001b\\c\u001b[2Jd\u001b]8;;http://x\u0007e\u001bP1$r\u001b\\f',
    ),
  ).toEqual(['abcdef']);
});

const PIECES = [
  'word ',
  '\u{1f600}',
  '\ud83d',
  '\u00e9\u0301',
  ' ',
  '\n',
  '\r',
  '\r\n',
  '\b',
  '\t',
  '\u001b',
  '\u001b[',
  '\u001b[1;31m',
  '\u001b[38;5;46m',
  '\u001b[38:2:250:10:10m',
  '\u001b[0m',
  '\u001b[m',
  '\u001b[K',
  '\u001b[1K',
  '\u001b[2K',
  '\u001b[?25l',
  '\u001b(B',
  '\u009b32m',
  '\u001b]8;;http://x.invalid\u0007',
  '\u001b]52;c;aGk=\u001b\\',
  '\u001bPq#0',
  '\u009d0;title\u009c',
  '31m',
  ';',
];

/** Numbers that are the same in each run. */
function numbers(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('however the output is cut, the lines are the same', () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const number = numbers(seed);
    const output = Array.from({ length: 1 + number(40) }, () => PIECES[number(PIECES.length)]).join('');
    const whole = linesOf(output);
    const growing = new GrowingOutput();
    for (let end = 0; end < output.length; end += 1 + number(6)) {
      const part = output.slice(0, end);
      expect(growing.read(part), JSON.stringify(part)).toEqual(linesOf(part));
    }
    expect(growing.read(output), JSON.stringify(output)).toEqual(whole);
    for (let cut = 0; cut <= output.length; cut += 1) {
      const twice = new GrowingOutput();
      twice.read(output.slice(0, cut));
      expect(twice.read(output), JSON.stringify([output, cut])).toEqual(whole);
    }
  }
});

test('a finished line is not made again, and a line on screen does not change by itself', () => {
  const growing = new GrowingOutput();
  const [first, open] = growing.read('\u001b[31mone\ntwo');
  const after = growing.read('\u001b[31mone\ntwo and more\n');
  expect(after[0]).toBe(first);
  expect(open).toEqual([{ text: 'two', colour: 'del' }]);
  expect(after[1]).toEqual([{ text: 'two and more', colour: 'del' }]);
});

test('another output starts over', () => {
  const growing = new GrowingOutput();
  growing.read('\u001b[31mone\u001b]0;');
  expect(growing.read('two')).toEqual([[{ text: 'two' }]]);
});

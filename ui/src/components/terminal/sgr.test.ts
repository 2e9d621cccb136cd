import { expect, test } from 'vitest';
import { linesOf } from './sgr';

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

test('titles, links, clipboard and movement are dropped', () => {
  expect(
    text(
      'a\u001b]0;title\u0007b\u001b]52;c;aGk=\u001b\\c\u001b[2Jd\u001b]8;;http://x\u0007e\u001bP1$r\u001b\\f',
    ),
  ).toEqual(['abcdef']);
});

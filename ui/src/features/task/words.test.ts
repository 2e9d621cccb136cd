import { expect, test } from 'vitest';
import { isolationBrief, isolationWords, networkWords } from './words';

test.each([
  [undefined, 'network: off'],
  [{ hosts: 0, asks: false }, 'network: off'],
  [{ hosts: 0, asks: true }, 'network: asks you'],
  [{ hosts: 1, asks: false }, 'network: 1 host'],
  [{ hosts: 3, asks: true }, 'network: 3 hosts'],
])('the network of a command is said in two words: %o', (level, words) => {
  expect(networkWords(level)).toBe(words);
  expect(isolationBrief({ level: 'full' }, level)).toBe(`sandboxed · ${words}`);
  expect(isolationWords({ level: 'full' }, level)).toBe(`sandboxed · ${words}`);
  expect(isolationBrief({ level: 'off' }, level)).toBe('not sandboxed');
});

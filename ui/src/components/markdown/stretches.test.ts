import { expect, test } from 'vitest';
import { codeAt, Stretches, textOf } from './stretches';

const cut = (text: string) => {
  const all = new Stretches().read(text, false);
  return all.map((stretch) => textOf(text, stretch));
};
const words = (length: number) => 'words '.repeat(Math.ceil(length / 6));

const TEXTS: [string, string][] = [
  ['paragraphs', `${words(300)}\n\n`.repeat(400)],
  ['Windows line ends', `${words(300)}\r\n\r\n`.repeat(400)],
  ['code', `before\n\n\`\`\`rust\n${'let x = 1;\n\n'.repeat(9000)}\`\`\`\n\nafter\n`],
  ['a list', '- an item\n'.repeat(9000)],
  ['a table', `| a | b |\n| - | - |\n${'| c | d |\n'.repeat(9000)}`],
  ['one line', words(100_000)],
  ['one line of pairs', '\u{1f600}'.repeat(50_000)],
  ['empty lines', '\n'.repeat(50_000)],
];

test.each(TEXTS)('%s: nothing is lost, and no stretch is much longer than a screen', (_, text) => {
  const all = new Stretches().read(text, false);
  expect(all.map(({ from, to }) => text.slice(from, to)).join('')).toBe(text);
  expect(all.length).toBeGreaterThan(1);
  for (const { from, to } of all) expect((to ?? text.length) - from).toBeLessThanOrEqual(32_000);
  for (const part of cut(text)) expect(part).not.toMatch(/\p{Surrogate}/u);
});

test.each(TEXTS)('%s: what was cut stays while the text grows', (_, text) => {
  const growing = new Stretches();
  let before = growing.read('', true);
  for (let end = 0; end < text.length; end += 997) {
    const now = growing.read(text.slice(0, end), true);
    before.slice(0, -1).forEach((stretch, at) => expect(now[at]).toEqual(stretch));
    before = now;
  }
  expect(growing.read(text, false)).toEqual(new Stretches().read(text, false));
});

test('a short text is one stretch, and a cut stands between blocks', () => {
  expect(cut('one\n\ntwo')).toEqual(['one\n\ntwo']);
  const list = `- a\n\n- b\n\n  more\n\n`;
  const [first, second] = cut(`${words(3900)}\n\n${list.repeat(20)}then\n\nmore`);
  expect(first?.endsWith('  more\n\n')).toBe(true);
  expect(second).toBe('then\n\nmore');
});

test('code that is cut is code on both sides', () => {
  const [first, second, ...others] = cut(`~~~~rust\n${'let x = 1;\n~~~\n'.repeat(1500)}~~~~\n\nafter`);
  expect(others).toEqual([]);
  expect(first?.startsWith('~~~~rust\nlet')).toBe(true);
  expect(second?.startsWith('~~~~rust\n')).toBe(true);
  expect(second?.endsWith('~~~~\n\nafter')).toBe(true);
});

test.each([
  ['```rust\n', '```\n\nafter'],
  ['  ~~~~rust\n', '~~~~~\n'],
  ['```\n', ''],
])('code that is cut is whole for who copies it, between %j and %j', (opens, closes) => {
  const code = 'let x = 1;\n\n    ~~~\n'.repeat(3000);
  const text = `before\n\n${opens}${code}${closes}`;
  const all = new Stretches().read(text, false);
  expect(all.length).toBeGreaterThan(2);
  const from = text.indexOf(opens);
  // One line end belongs to the fence, or to the end of the text.
  const whole = code.slice(0, -1).replaceAll(/^ {2}/gm, opens.startsWith(' ') ? '' : '  ');
  for (const { cutAtStart, cutAtEnd } of all)
    for (const at of [cutAtStart, cutAtEnd]) {
      if (at === undefined) continue;
      expect(at).toBe(from);
      expect(codeAt(text, at) === whole).toBe(true);
    }
  expect(all[0]?.cutAtEnd).toBe(from);
  expect(all[1]?.cutAtStart).toBe(from);
});

test('another text starts over', () => {
  const stretches = new Stretches();
  stretches.read(words(100_000), true);
  expect(stretches.read('short', false)).toEqual([{ from: 0, fence: '' }]);
});

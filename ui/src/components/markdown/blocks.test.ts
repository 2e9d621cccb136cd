import { expect, test } from 'vitest';
import { GrowingMarkdown, safeLink } from './blocks';

const html = (text: string, live = false) =>
  new GrowingMarkdown()
    .read(text, live)
    .map((block) => (block.type === 'html' ? block.html : block.code))
    .join('\n');

test.each([
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  'a <svg onload=alert(1)><style>@import url(//x.example)</style>',
  '[x](javascript:alert(1))',
  '![x](data:image/svg+xml,<svg/>)',
  '![pixel](https://evil.example/p.png)',
  '<iframe src="https://evil.example"></iframe>',
  '[a](https://evil.example "x\\" onmouseover=alert(1)")',
])('%s makes no element that runs or loads', (text) => {
  const inert = new DOMParser().parseFromString(html(text), 'text/html');
  expect(inert.querySelectorAll('script, style, img, svg, iframe, [src], [href]')).toHaveLength(0);
  for (const element of inert.querySelectorAll('*'))
    expect([...element.attributes].filter(({ name }) => /^on|^style$/.test(name))).toEqual([]);
});

test('an image is told in words, a link tells its host', () => {
  expect(html('![pixel](https://evil.example/p.png)')).toContain('image: pixel (evil.example)');
  expect(html('[the bank](https://evil.example/a)')).toContain('(evil.example)');
  expect(safeLink('file:///etc/passwd')).toBeNull();
});

test('only the last block of a growing text is another object', () => {
  const growing = new GrowingMarkdown();
  const text = '# One\n\ntwo **three** four\n\n- a\n- b\n\n```rust\nfn x() {}\n```\n\nlast words';
  let before = growing.read(text.slice(0, 1), true);
  for (let length = 2; length <= text.length; length += 1) {
    const now = growing.read(text.slice(0, length), true);
    before.slice(0, -2).forEach((block, at) => expect(now[at]).toBe(block));
    before = now;
  }
  const whole = new GrowingMarkdown().read(text, false);
  expect(growing.read(text, false)).toEqual(whole);
  expect(whole).toHaveLength(5);
});

test('hidden characters are shown', () => {
  expect(html('a\u202eb')).toContain('‹U+202E›');
});

/** What models and programs say, at random: it becomes text, whatever it is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GrowingMarkdown } from './markdown/blocks';
import { GrowingOutput } from './terminal/output';
import { visible } from './visible';

const SEQUENCES = [
  '\u001b',
  '\u001b[',
  '\u001b[31m',
  '\u001b[38;5;',
  '\u001b]52;c;',
  '\u001b]8;;http://x',
  '\u001bP',
  '\u001b\\',
  '\u009b',
  '\u009d',
  '\u0007',
  '\r',
  '\b',
  '\n',
  '\t',
  '9999999999',
  'm',
  'K',
  'J',
  ';',
];

const output = fc
  .array(fc.oneof(fc.constantFrom(...SEQUENCES), fc.string({ unit: 'binary', maxLength: 8 })), {
    maxLength: 40,
  })
  .map((parts) => parts.join(''));

test('any output becomes lines without a control character, the same however it is cut', () => {
  fc.assert(
    fc.property(output, fc.nat(200), (text, cut) => {
      const whole = new GrowingOutput().read(text);
      for (const run of whole.flat()) {
        expect(visible(run.text)).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/u);
      }
      const growing = new GrowingOutput();
      growing.read(text.slice(0, cut));
      expect(growing.read(text)).toEqual(whole);
    }),
    { numRuns: 2000 },
  );
});

const MARKUP = [
  '<',
  '>',
  '</',
  '"',
  "'",
  '`',
  '```',
  '\n',
  '\n\n',
  '[a](',
  '![a](',
  ')',
  '<script>',
  '</script>',
  '<svg>',
  '<math><mtext>',
  '<style>',
  '<img src=x onerror=alert(1)>',
  '<a href="javascript:alert(1)">',
  'javascript:alert(1)',
  'data:text/html,x',
  'https://evil.example/',
  '<!--',
  '-->',
  '<noscript>',
  '<template>',
  '<form id=x>',
  '<iframe srcdoc="',
  '&lt;',
  '&#x3c;',
  '| a | b |\n|---|---|\n',
  '- ',
  '> ',
  '# ',
  '**',
];

const message = fc
  .array(fc.oneof(fc.constantFrom(...MARKUP), fc.string({ maxLength: 6 })), { maxLength: 40 })
  .map((parts) => parts.join(''));

test('any message becomes markup that neither runs nor loads, finished or growing', () => {
  fc.assert(
    fc.property(message, fc.boolean(), (text, live) => {
      const blocks = new GrowingMarkdown().read(text, live);
      const html = blocks.map((block) => (block.type === 'html' ? block.html : '')).join('\n');
      const page = new DOMParser().parseFromString(html, 'text/html');
      const active = 'script, style, img, svg, math, iframe, template, form, [src], [href], [id]';
      expect([...page.querySelectorAll(active)].map((element) => element.outerHTML)).toEqual([]);
      for (const element of page.querySelectorAll('*')) {
        const names = [...element.attributes].map(({ name }) => name);
        expect(names.filter((name) => /^on|^style$/u.test(name))).toEqual([]);
      }
    }),
    { numRuns: 2000 },
  );
});

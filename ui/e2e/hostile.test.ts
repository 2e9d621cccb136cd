/** What models and files say is shown, and does nothing. */

import { expect, test, type Window } from './window';

const MESSAGE = [
  'Before <script>window.hit = "script"</script> after',
  '<img src="x" onerror="window.hit = \'onerror\'"> and <svg onload="window.hit = \'svg\'"></svg>',
  '[press me](javascript:window.hit="link") and [data](data:text/html,<script>parent.hit=1</script>)',
  '![remote](http://remote.invalid/pixel.png) ![also](//remote.invalid/p.svg)',
  '<iframe src="http://remote.invalid/frame"></iframe><link rel="stylesheet" href="http://remote.invalid/s.css">',
  '<style>@import url(http://remote.invalid/i.css); body { background: url(http://remote.invalid/b.png) }</style>',
  '<meta http-equiv="refresh" content="0;url=http://remote.invalid/">',
  '<form action="http://remote.invalid/"><input name="q"></form>',
  'turned \u202egnp.exe\u202c and hidden\u200bspace',
].join('\n\n');

const NAME = 'src/<img src=x onerror=hit=1>\u202efdp.txt';
const TEXT = '<script>window.hit = "file"</script>\nif (admin\u202e) { // \u2066\n\u200bzero\n';

/** Nothing ran, nothing was asked of another host, and the page is still the page. */
async function unharmed(kerf: Window) {
  await kerf.settled();
  expect(await kerf.page.evaluate(() => (window as unknown as { hit?: unknown }).hit)).toBeUndefined();
  expect([...kerf.hosts]).toEqual([new URL(kerf.url).host]);
  expect(kerf.page.url().startsWith(kerf.url)).toBe(true);
  expect(await kerf.page.locator('iframe, object, embed, form[action^="http"]').count()).toBe(0);
  expect(await kerf.page.locator('[onerror], [onload], [href^="javascript"]').count()).toBe(0);
}

test('a message that attacks is text', async ({ open }) => {
  const kerf = await open();
  kerf.model.replies({ thinks: '<img src=x onerror=hit=1>\u202ethought' }, MESSAGE);
  await kerf.send('Attack \u202eme <b>now</b>');
  await kerf.stream.getByText('turned ‹U+202E›gnp.exe‹U+202C› and hidden‹U+200B›space').waitFor();
  await kerf.ended();
  await kerf.stream.getByText('Attack ‹U+202E›me <b>now</b>').waitFor();
  // The title of the task is the message.
  await kerf.task('Attack ‹U+202E›me <b>now</b>').waitFor();
  await unharmed(kerf);
  const pressed = kerf.stream.getByText('press me');
  if (await pressed.count()) await pressed.click();
  await unharmed(kerf);
});

test('a file that attacks is shown with marks, in the question and in the review', async ({ open }) => {
  const kerf = await open();
  kerf.model.replies({ call: 'write_file', with: { path: NAME, content: TEXT } }).replies('Written.');
  await kerf.send('Write it');
  const question = kerf.stream.getByRole('region', { name: /Make this change\?/ });
  await question.waitFor();
  const asked = await question.getByLabel('What is asked').innerText();
  expect(asked).toContain('if (admin‹U+202E›) { // ‹U+2066›');
  expect(asked).toContain('<script>window.hit = "file"</script>');
  expect(asked).toContain('<img src=x onerror=hit=1>\\u{202e}fdp.txt');
  await unharmed(kerf);
  await kerf.allow();
  await kerf.file(NAME, TEXT);
  await kerf.ended();

  const { review } = kerf;
  await review.getByText('0 of 1 hunk accepted, 0 rejected, 1 to go').waitFor();
  await review.getByText(/Holds characters that are hidden or look like others/).waitFor();
  const shown = await review.innerText();
  expect(shown).toContain('‹U+202E›');
  expect(shown).toContain('‹U+200B›');
  for (const character of ['\u202e', '\u2066', '\u200b'])
    expect(await kerf.page.locator('body').innerText()).not.toContain(character);
  await unharmed(kerf);

  // It is not accepted along with the rest, because of what it hides.
  await kerf.button('Accept rest', review).click();
  await review.getByText(/1 hunk still waits: characters in it are hidden or look like others/).waitFor();
  await review.getByText('0 of 1 hunk accepted, 0 rejected, 1 to go').waitFor();
  await unharmed(kerf);
});

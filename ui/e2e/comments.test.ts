/** Comments on lines of the review reach the model with the next message. */

import { expect, test } from './window';

test('a comment goes with the next message, with its path, lines and text', async ({ open }) => {
  const kerf = await open({ files: { 'src/a.txt': 'one\ntwo\nthree\nfour\n' } });
  const { page, review, model } = kerf;
  const edits = [{ old: 'two\nthree\n', new: 'second\nthird\n' }];
  model.replies({ call: 'edit_file', with: { path: 'src/a.txt', edits } }).replies('Changed.');
  await kerf.send('Change two lines');
  await kerf.allow();
  await kerf.ended();

  // Lines are chosen at their numbers.
  await review.getByText('0 of 1 hunk accepted, 0 rejected, 1 to go').waitFor();
  const gutter = (text: string) =>
    review.locator('.line.is-added', { hasText: text }).locator('[data-gutter]').boundingBox();
  const [from, to] = [await gutter('second'), await gutter('third')];
  if (!from || !to) throw new Error('the lines are not shown');
  await page.mouse.move(from.x + 4, from.y + 4);
  await page.mouse.down();
  await page.mouse.move(to.x + 4, to.y + 4);
  await page.mouse.up();
  await review.getByRole('toolbar', { name: 'Selected lines' }).getByText('2 lines').waitFor();
  await page.keyboard.press('c');
  const editor = review.getByRole('textbox', { name: 'Comment on src/a.txt' });
  await editor.fill('Write them in capitals');
  await editor.press('ControlOrMeta+Enter');
  await review.getByText('· lines 2 to 3, sends with your next reply').waitFor();
  await page.getByText('1 comment goes with this message').waitFor();

  await kerf.send('See my comment');
  await kerf.ended();
  const sent = model.text();
  expect(sent).toContain('See my comment');
  expect(sent).toMatch(/src\/a\.txt[^"]*2[^"]*3/);
  expect(sent).toContain('second');
  expect(sent).toContain('third');
  expect(sent).toContain('Write them in capitals');
  expect(await page.getByText('1 comment goes with this message').count()).toBe(0);

  // It was said once; the next message does not repeat it as new.
  await kerf.send('Anything else?');
  await kerf.ended();
  expect(model.text().split('Write them in capitals')).toHaveLength(2);
});

/** Going back to before a turn, and taking that back. */

import { expect, test } from './window';

test('a turn is taken back with its files, and comes again', async ({ open }) => {
  const kerf = await open({ files: { 'a.txt': 'one\n', 'mine.txt': 'mine\n' } });
  const { page, stream, model, repository } = kerf;
  model.replies('Hello.');
  await kerf.send('Say hello');
  await kerf.ended();
  const edits = [{ old: 'one', new: 'two' }];
  model
    .replies({ call: 'edit_file', with: { path: 'a.txt', edits } })
    .replies({ call: 'write_file', with: { path: 'new.txt', content: 'new\n' } })
    .replies('Changed.');
  await kerf.send('Change it');
  await kerf.allow('Allow for this session');
  await kerf.ended();
  await kerf.file('new.txt', 'new\n');
  repository.write('mine.txt', 'mine, and more\n');

  await kerf.button('Restore…', stream).last().click();
  const dialog = page.getByRole('dialog', { name: 'Restore' });
  await dialog.getByText('2 files go back').waitFor();
  await dialog.getByRole('region', { name: 'Files that stay' }).getByText('mine.txt').waitFor();
  await dialog.getByRole('region', { name: 'Messages that are hidden' }).getByText('Change it').waitFor();
  await kerf.button('Restore', dialog).click();
  await page.getByText(/^Restored 2 files, .*1 message hidden$/).waitFor();
  await kerf.file('a.txt', 'one\n');
  expect(() => repository.read('new.txt')).toThrow();
  expect(repository.read('mine.txt')).toBe('mine, and more\n');
  // The answer may be there before the event that the conversation follows.
  await stream.getByText('Change it', { exact: true }).waitFor({ state: 'detached' });
  await stream.getByText('Hello.').waitFor();

  await kerf.button('Undo restore').click();
  await kerf.file('new.txt', 'new\n');
  await kerf.file('a.txt', 'two\n');
  await stream.getByText('Change it', { exact: true }).waitFor();
  await stream.getByText('Changed.').waitFor();

  // The event may be there before the answer, and nothing is asked about in between.
  await kerf.button('Undo restore').waitFor({ state: 'detached' });

  // By keys, and what is said next goes on from there: the model does not see what is hidden.
  await page.keyboard.press('Alt+r');
  await dialog.getByText('2 files go back').waitFor();
  await kerf.button('Restore', dialog).click();
  await page.getByText(/^Restored 2 files/).waitFor();
  model.replies('Here again.');
  await kerf.send('And now?');
  await stream.getByText('Here again.').waitFor();
  await kerf.ended();
  expect(model.text()).toContain('Say hello');
  expect(model.text()).not.toContain('Change it');
});

/** Questions of the policy: what is answered reaches the model, and nothing is allowed by accident. */

import { gate } from './model';
import { expect, test } from './window';

const write = { call: 'write_file', with: { path: 'new.txt', content: 'hello\n' } };

test('what is denied with a reason is not done, and the model reads the reason', async ({ open }) => {
  const kerf = await open();
  kerf.model.replies(write).replies('Then I leave it.');
  await kerf.send('Write a file');
  const question = kerf.stream.getByRole('region', { name: /Make this change\?/ });
  // The rest of the window is up to date too, though the first turn is not over.
  await kerf.review.getByText('Nothing to review').waitFor();
  await kerf.page.getByText(/^sent today: .* to 127\.0\.0\.1 only/).waitFor();
  await question.getByLabel('Why not, or what to do instead').fill('put it under docs/ instead');
  await kerf.button('Deny', question).click();
  await kerf.stream.getByText('Denied: put it under docs/ instead').waitFor();
  await kerf.ended();
  expect(kerf.model.asked).toHaveLength(2);
  expect(kerf.model.text()).toContain('put it under docs/ instead');
  expect(() => kerf.repository.read('new.txt')).toThrow('ENOENT');
});

test('Enter in the composer, on its way while the question appears, allows nothing', async ({ open }) => {
  const kerf = await open();
  const hold = gate();
  kerf.model.replies('One moment.', hold.step, write).replies('Done.');
  await kerf.send('Write a file');
  await kerf.stream.getByText('One moment.').waitFor();
  await kerf.composer.focus();
  await kerf.composer.pressSequentially('and then');
  hold.open();
  const question = kerf.stream.getByRole('region', { name: /Make this change\?/ });
  await question.waitFor();
  await kerf.page.keyboard.press('Enter');
  await kerf.page.keyboard.press('y');
  await kerf.page.keyboard.press('Space');
  await kerf.page.getByText('queued: and then').waitFor();
  await kerf.settled();
  expect(await kerf.button('Allow once', question).isVisible()).toBe(true);
  expect(await kerf.composer.inputValue()).toBe('y ');
  expect(() => kerf.repository.read('new.txt')).toThrow('ENOENT');
  expect(kerf.model.asked).toHaveLength(1);

  // Once it is allowed it is done, and the message that waited is sent.
  await kerf.allow();
  await kerf.file('new.txt', 'hello\n');
  await kerf.ended();
  expect(kerf.model.text()).toContain('and then');
});

test('a session that was allowed is not asked again', async ({ open }) => {
  const kerf = await open();
  kerf.model
    .replies(write)
    .replies({ call: 'write_file', with: { path: 'second.txt', content: 'again\n' } })
    .replies('Both are there.');
  await kerf.send('Write two files');
  await kerf.allow('Allow for this session');
  await kerf.stream.getByText('Both are there.').waitFor();
  await kerf.file('second.txt', 'again\n');
  expect(await kerf.stream.getByText('Allowed for this session').count()).toBe(1);
});

test('a question that waits is still there after a reload', async ({ open }) => {
  const kerf = await open();
  kerf.model.replies(write).replies('Done.');
  await kerf.send('Write a file');
  await kerf.button('Allow once', kerf.stream).waitFor();
  await kerf.reopen();
  await kerf.allow();
  await kerf.file('new.txt', 'hello\n');
  await kerf.ended();
});

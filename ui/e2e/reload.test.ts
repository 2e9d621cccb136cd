/** A window that is loaded again in the middle of a stream. */

import { gate } from './model';
import { expect, test } from './window';

test('what was said before and after the reload is whole, and nothing is doubled', async ({ open }) => {
  const kerf = await open();
  const [first, second, third] = [gate(), gate(), gate()];
  kerf.model
    .replies('Alpha begins. ', first.step, 'Beta follows. ', second.step, 'Gamma ends.', {
      call: 'read_file',
      with: { path: 'README.md' },
    })
    .replies('Delta is said after the call. ', third.step, 'Epsilon too.');
  await kerf.send('Say the letters');
  await kerf.stream.getByText('Alpha begins.').waitFor();

  await kerf.reopen();
  await kerf.stream.getByText('Alpha begins.').waitFor();
  await kerf.button('Stop').waitFor();
  first.open();
  await kerf.stream.getByText('Alpha begins. Beta follows.').waitFor();

  // Loaded again while words arrive.
  second.open();
  await kerf.reopen();
  await kerf.stream.getByText('Delta is said after the call.').waitFor();
  await kerf.reopen();
  third.open();
  await kerf.stream.getByText('Epsilon too.').waitFor();
  await kerf.ended();

  const said = await kerf.stream.innerText();
  for (const words of [
    'Say the letters',
    'Alpha begins. Beta follows. Gamma ends.',
    'Delta is said after the call. Epsilon too.',
    'Read README.md',
  ])
    expect(said.split(words), words).toHaveLength(2);

  await kerf.reopen();
  await kerf.stream.getByText('Epsilon too.').waitFor();
  expect(await kerf.stream.innerText()).toBe(said);
  await kerf.send('And on');
  await kerf.stream.getByText('ok', { exact: true }).waitFor();
  await kerf.ended();
});

/** Messages while the agent works: queued, interrupting, and none but Stop. */

import { gate } from './model';
import { expect, test } from './window';

test('a message waits for the step to end, another interrupts it, and Stop ends the turn', async ({
  open,
}) => {
  const kerf = await open();
  const { model, page, stream } = kerf;
  const [step, never, last] = [gate(), gate(), gate()];

  // Queued: it is sent with the next step of the same turn.
  model
    .replies('Looking. ', step.step, { call: 'read_file', with: { path: 'README.md' } })
    .replies('I heard of it.', never.step, ' This is never said.');
  await kerf.send('Look around');
  await stream.getByText('Looking.').waitFor();
  await page.getByText(/^sent today: .* to 127\.0\.0\.1 only/).waitFor();
  await kerf.send('also look at the tests');
  await page.getByText('queued: also look at the tests').waitFor();
  expect(model.asked).toHaveLength(1);
  step.open();
  await stream.getByText('I heard of it.').waitFor();
  expect(model.text()).toContain('also look at the tests');
  await page.getByText('queued: also look at the tests').waitFor({ state: 'detached' });
  await stream.getByText('also look at the tests', { exact: true }).waitFor();

  // Interrupted: what runs ends at once.
  model.replies('New orders. ', last.step, 'Nor this.');
  await kerf.composer.fill('stop that, do this');
  await kerf.composer.press('ControlOrMeta+Enter');
  await stream.getByText('New orders.').waitFor();
  expect(model.text()).toContain('stop that, do this');
  expect(model.asked).toHaveLength(3);

  // Stopped: it says so, and a new message works.
  await kerf.button('Stop').click();
  await stream
    .getByText(/stopped by you/)
    .first()
    .waitFor();
  await kerf.ended();
  never.open();
  last.open();
  model.replies('Here again.');
  await kerf.send('Are you there?');
  await stream.getByText('Here again.').waitFor();
  await kerf.ended();
  const said = await stream.innerText();
  expect(said).not.toContain('This is never said');
  expect(said).not.toContain('Nor this');
  expect(await kerf.failure.count()).toBe(0);
});

test('Stop ends a command and all that it started', async ({ open }) => {
  const kerf = await open();
  const command = 'echo begun > begun.txt; sleep 600; echo ended > ended.txt';
  kerf.model.replies({ call: 'run_command', with: { command } });
  await kerf.send('Run it');
  await kerf.allow();
  await expect
    .poll(() => kerf.repository.git('status', '--porcelain'), { timeout: 15_000 })
    .toContain('begun');
  await kerf.composer.press('Escape');
  await kerf.ended();
  await kerf.stream
    .getByText(/stopped/)
    .first()
    .waitFor();
  expect(kerf.repository.git('status', '--porcelain')).not.toContain('ended');
});

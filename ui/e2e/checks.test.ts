/** A check that a change made stale is run again by a click that saw it whole, and counts from then on. */

import { join } from 'node:path';

import { expect, PICTURES, test } from './window';

const CHECK = 'grep --quiet two a.txt';

test('a stale check runs again, is found in the conversation, and counts after a reload', async ({
  open,
}) => {
  const kerf = await open({ files: { 'a.txt': 'one\n' } });
  const { page, review, model } = kerf;
  model
    .replies({ call: 'run_command', with: { command: CHECK } })
    .replies({ call: 'edit_file', with: { path: 'a.txt', edits: [{ old: 'one', new: 'two' }] } })
    .replies('Changed.');
  await kerf.send('Make it two');
  await kerf.allow();
  await kerf.allow();
  await kerf.ended();
  const checks = review.getByRole('list', { name: 'Checks' });
  await checks.getByRole('button', { name: `${CHECK} failed (1), before the last change` }).waitFor();

  await checks.getByRole('button', { name: `Run again ${CHECK}…` }).click();
  const dialog = page.getByRole('dialog', { name: 'Run this check again?' });
  await dialog.getByText(CHECK).waitFor();
  await page.screenshot({ path: join(PICTURES, 'check-again-dark.png'), animations: 'disabled' });
  // A key that is held begins nothing.
  await page.keyboard.press('Enter');
  await kerf.button('Run', dialog).click();
  await checks.getByRole('button', { name: `${CHECK} passed` }).waitFor();
  expect(await checks.getByRole('button', { name: /^Run again/ }).count()).toBe(0);
  await kerf.stream.getByText(/your check/).waitFor();
  await kerf.file('a.txt', 'two\n');

  // The model never hears of it.
  await kerf.send('And now');
  await kerf.ended();
  expect(model.text().split(CHECK)).toHaveLength(2);

  await kerf.reopen();
  await checks.getByRole('button', { name: `${CHECK} passed` }).waitFor();
});

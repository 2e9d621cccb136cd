/** What a project brings counts when the user has looked at it and said so; what the user said can be taken back. */

import { expect, test } from './window';

const settings = JSON.stringify({ permissions: { allow: ['Bash(touch made.txt)'], deny: ['Bash(rm:*)'] } });
const run = (command: string) => ({ call: 'run_command', with: { command } });

test('a rule of the project allows nothing until it is trusted, and asks again when it changes', async ({
  open,
}) => {
  const kerf = await open({ files: { 'a.txt': 'one\n', '.claude/settings.json': settings } });
  const { page } = kerf;
  const line = page.getByRole('status').getByText('This project brings rules of its own');
  await line.waitFor();
  kerf.model.replies(run('rm a.txt')).replies(run('touch made.txt')).replies('Asked.');
  await kerf.send('Tidy up');
  // What it denies counts at once; what it allows is asked about.
  const question = kerf.stream.getByRole('region', { name: /Run this command\?/ });
  await question.getByText('touch made.txt').first().waitFor();
  await question.getByLabel('Why not, or what to do instead').fill('not yet');
  await kerf.button('Deny', question).click();
  await kerf.ended();
  expect(kerf.repository.read('a.txt')).toBe('one\n');
  expect(() => kerf.repository.read('made.txt')).toThrow('ENOENT');

  await kerf.button('Look at them…').click();
  const dialog = page.getByRole('dialog', { name: 'This project brings rules of its own' });
  await dialog.getByText(settings).waitFor();
  await kerf.button('Trust', dialog).click();
  await line.waitFor({ state: 'detached' });
  kerf.model.replies(run('touch made.txt')).replies('Made.');
  await kerf.send('Once more');
  await kerf.ended();
  expect(kerf.repository.read('made.txt')).toBe('');

  kerf.repository.write('.claude/settings.json', `${settings}\n`);
  await kerf.reopen();
  await line.waitFor();
});

test('what is always allowed for a project is listed in words, and can be revoked', async ({ open }) => {
  const kerf = await open();
  const { page } = kerf;
  kerf.model.replies(run('touch made.txt')).replies('Made.');
  await kerf.send('Make it');
  await kerf.allow('Always for this project');
  await kerf.ended();
  expect(kerf.repository.read('made.txt')).toBe('');

  const { rules: made } = await kerf.rpc('rules/list', { folder: kerf.repository.path });
  expect(made.filter(({ origin }) => origin.type === 'answer')).toHaveLength(1);
  await page.keyboard.press('Control+,');
  await page.getByRole('button', { name: /Approvals/ }).click();
  const rules = page.getByRole('list', { name: 'Yours, for this project' });
  await rules.getByText('touch made.txt').first().waitFor();
  await page.getByRole('textbox', { name: 'Try a command' }).fill('touch made.txt && rm -rf /');
  await kerf.button('Try it').click();
  await page.getByRole('list', { name: 'What the rules say' }).getByText('rm -rf /').first().waitFor();
  await kerf
    .button(/^Revoke/, rules)
    .first()
    .click();
  await rules.waitFor({ state: 'detached' });
  const { rules: left } = await kerf.rpc('rules/list', { folder: kerf.repository.path });
  expect(left.filter(({ origin }) => origin.type === 'answer')).toEqual([]);
});

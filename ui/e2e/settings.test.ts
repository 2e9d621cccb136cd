/** Settings last, and an endpoint that is added is used; its key is in no file. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Model } from './model';
import { expect, test } from './window';

test('theme, text size and keys are the same after a reload', async ({ open }) => {
  const kerf = await open();
  const root = kerf.page.locator('html');
  const section = async (name: string) => {
    await kerf.page.keyboard.press('ControlOrMeta+,');
    await kerf.button(name, kerf.page.getByRole('navigation', { name: 'Settings' })).click();
  };
  await section('Appearance');
  await kerf.page.getByText('Light', { exact: true }).click();
  await kerf.button('Larger text').click();
  await kerf.button('Larger text').click();
  await kerf.page.getByText('120 %').waitFor();
  await section('Keys');
  const keys = kerf.button(/^Keys of Show the ledger/);
  await keys.click();
  await kerf.page.keyboard.press('Alt+Shift+l');
  await kerf.button('Keys of Show the ledger: Alt Shift L').waitFor();
  await kerf.settled();

  await kerf.reopen();
  await expect.poll(() => root.getAttribute('data-theme')).toBe('light');
  expect(await root.evaluate((node) => node.style.getPropertyValue('--scale'))).toBe('1.2');
  const ledger = kerf.page.getByRole('heading', { name: 'Ledger' });
  await kerf.settled();
  await kerf.page.keyboard.press('Alt+Shift+l');
  await ledger.waitFor();
});

test('an endpoint from the dialog lists its models and answers the next task', async ({ open }) => {
  const kerf = await open({ empty: true });
  const own = await Model.start();
  const key = 'sk-a-key-that-no-file-may-hold';
  own.key = key;
  own.models = ['own-small', 'own-large'];
  own.replies('Answered by the endpoint that was added.');
  try {
    await kerf.reopen(`?folder=${encodeURIComponent(kerf.repository.path)}`);
    await kerf.page.keyboard.press('ControlOrMeta+k');
    await kerf.page.keyboard.type('>add endpoint');
    await kerf.page.keyboard.press('Enter');
    const dialog = kerf.page.getByRole('dialog', { name: 'Add endpoint' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill('own');
    await dialog.getByRole('textbox', { name: 'Base address' }).fill(own.url);
    await kerf.button('Next', dialog).click();

    // A key that the server refuses is told, and can be mended.
    await dialog.getByLabel('Key for own').fill('wrong');
    await kerf.button('Test it', dialog).click();
    await dialog.getByRole('alert').waitFor();
    await kerf.button('← Back', dialog).click();
    await dialog.getByLabel('Key for own').fill(key);
    await kerf.button('Test it', dialog).click();
    await dialog.getByText('It answers. Choose the model:').waitFor();
    await dialog.getByRole('option', { name: /own-small/ }).waitFor();
    await dialog.getByRole('option', { name: /own-large/ }).click();
    await dialog.waitFor({ state: 'detached' });
    await kerf.page.keyboard.press('Escape');

    await kerf.button('Model: own-large · own').waitFor();
    await kerf.send('Who answers?');
    await kerf.stream.getByText('Answered by the endpoint that was added.').waitFor();
    await kerf.ended();
    expect(own.asked.map(({ model, authorization }) => [model, authorization])).toEqual([
      ['own-large', `Bearer ${key}`],
    ]);
    expect(kerf.model.asked).toEqual([]);

    for (const name of readdirSync(kerf.home, { recursive: true, withFileTypes: true }))
      if (name.isFile()) {
        const path = join(name.parentPath, name.name);
        expect(readFileSync(path).includes(key), path).toBe(false);
      }
    expect(await kerf.page.content()).not.toContain(key);
  } finally {
    // Where the machine has a keyring, the key leaves it; where it has none, that is told as a failure.
    await kerf.rpc('endpoint/remove', { name: 'own' }).catch(() => {});
    await own.stop();
  }
});

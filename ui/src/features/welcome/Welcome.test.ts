import { expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import { checkAxe, mountWith, session } from '../../testing';
import Welcome from './Welcome.svelte';

test('offers a local server that was found', async () => {
  const { getByRole, kerf, container } = await mountWith(Welcome, {
    prepare: (kerf) => {
      kerf.endpoints.loaded = true;
      kerf.endpoints.discovered = [{ endpoint: session().endpoint, models: [{ id: 'qwen3-coder' }] }];
    },
  });
  await checkAxe(container);
  await getByRole('button', { name: 'Use ollama' }).click();
  expect(kerf.draft).toMatchObject({ endpoint: 'ollama', model: 'qwen3-coder' });
});

test('calls the practice endpoint what it is, and leads to folder and endpoint', async () => {
  const ran: string[] = [];
  const { getByRole, getByText } = await mountWith(Welcome, {
    backend: fakeBackend(),
    prepare: (kerf, actions) => {
      kerf.endpoints.loaded = true;
      actions.add([
        { id: 'app.openFolder', title: 'Open', group: 'Project', run: () => ran.push('open') },
        { id: 'settings.addEndpoint', title: 'Add', group: 'Settings', run: () => ran.push('add') },
      ]);
    },
  });
  await expect.element(getByText('It is not a language model.', { exact: false })).toBeVisible();
  await getByRole('button', { name: 'Open a folder…' }).click();
  await getByRole('button', { name: 'Add an endpoint…' }).click();
  expect(ran).toEqual(['open', 'add']);
});

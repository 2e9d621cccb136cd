import { expect, test } from 'vitest';
import { fakeBackend } from '../backend/fake';
import { Kerf } from '../state/kerf.svelte';
import { project } from '../testing';
import { Frame } from './frame.svelte';
import { windowActions } from './windowActions';

test('a merge is offered to be continued or aborted only where one is under way', async () => {
  let merging = true;
  const backend = fakeBackend({
    'project/status': () => ({
      branch: 'main',
      ahead: 0,
      behind: 0,
      ...(merging && { under_way: 'a merge' }),
    }),
  });
  const kerf = new Kerf(backend);
  kerf.project = project();
  const actions = windowActions(kerf, new Frame());
  const offered = () =>
    actions.filter(({ id, enabled }) => /continue|abort/.test(id) && enabled?.()).map(({ id }) => id);
  expect(offered()).toEqual([]);
  await kerf.loadRepo();
  expect(offered()).toEqual(['git.continue', 'git.abort']);
  merging = false;
  await kerf.loadRepo();
  expect(offered()).toEqual([]);
});

import { expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import type { Kerf } from '../../state/kerf.svelte';
import { budgetOf, budgetText } from '../../state/attemptsPlan';
import { askedFor, checkAxe, mountWith, project, session } from '../../testing';
import Composer from './Composer.svelte';

function prepare(kerf: Kerf) {
  kerf.project = project();
  kerf.endpoints.configured = [
    { ...session().endpoint, name: 'work', model: 'big', origin: 'configured' },
    { ...session().endpoint, name: 'home', model: '', origin: 'configured' },
  ];
}

test('several attempts are chosen, with a model and a budget, and begin with the message', async () => {
  const made = [1, 2].map((n) => session({ id: `a${n}`, task_id: 't', created_at: n, updated_at: n }));
  const backend = fakeBackend({
    'attempts/start': () => ({ task_id: 't', sessions: made }),
    'endpoint/models': () => [{ id: 'small', context_window: null }],
    'session/attach': () => ({
      transcript: { session: made[0] ?? session(), turns: [] },
      seq: 0,
      context: null as never,
      running: false,
    }),
    'review/outline': () => ({ paths: [], files: [] }),
    'project/status': () => ({ branch: 'main', ahead: 0, behind: 0 }),
  });
  const { getByRole, kerf, container } = await mountWith(Composer, { backend, prepare });
  await getByRole('button', { name: 'Works: In place' }).click();
  await getByRole('menuitem', { name: 'Several attempts…' }).click();
  const dialog = getByRole('dialog', { name: 'Several attempts' });
  await expect.element(dialog.getByRole('listitem').nth(2)).toBeVisible();
  await checkAxe(container);
  await dialog.getByRole('button', { name: '2 attempts', exact: true }).click();
  await dialog.getByRole('button', { name: /Model of attempt 2/ }).click();
  await getByRole('option', { name: /home/ }).click();
  await getByRole('option', { name: /small/ }).click();
  await dialog.getByRole('textbox', { name: 'Tokens' }).fill('lots');
  await expect.element(dialog.getByRole('button', { name: 'Make 2 attempts' })).toBeDisabled();
  await dialog.getByRole('textbox', { name: 'Tokens' }).fill('200,000');
  await dialog.getByRole('textbox', { name: 'Minutes' }).fill('10');
  await dialog.getByRole('textbox', { name: 'Cost' }).fill('1.50');
  await dialog.getByRole('button', { name: 'Make 2 attempts' }).click();
  await expect.element(getByRole('button', { name: 'Works: 2 attempts' })).toBeVisible();

  await getByRole('textbox', { name: 'Message' }).fill('Make it better');
  await getByRole('button', { name: /^Send/ }).click();
  await expect.poll(() => kerf.task?.id).toBe('a1');
  expect(askedFor(backend, 'attempts/start')).toEqual([
    {
      folder: '/projects/ledgerd',
      text: 'Make it better',
      images: [],
      policy: { sandbox: 'workspace-write', approve: 'ask' },
      attempts: [
        { endpoint: null, model: null },
        { endpoint: 'home', model: 'small' },
      ],
      budget: { tokens: 200_000, cost: 15_000, seconds: 600 },
    },
  ]);
  expect(kerf.attemptsOpen.map(({ id }) => id)).toEqual(['a1', 'a2']);
  expect(kerf.plan).toBe(null);
});

test('attempts that cannot begin give the message back', async () => {
  const { getByRole, kerf } = await mountWith(Composer, {
    prepare: (kerf) => {
      prepare(kerf);
      kerf.planAttempts({
        by: [{ endpoint: null, model: null }],
        budget: { tokens: null, cost: null, seconds: null },
      });
    },
    backend: fakeBackend({
      'attempts/start': () => {
        throw new Error('in no git repository');
      },
    }),
  });
  await getByRole('textbox', { name: 'Message' }).fill('Make it better');
  await getByRole('button', { name: /^Send/ }).click();
  await expect.poll(() => kerf.failure?.message).toBe('in no git repository');
  await expect.element(getByRole('textbox', { name: 'Message' })).toHaveValue('Make it better');
  await expect.element(getByRole('button', { name: 'Works: 1 attempt' })).toBeVisible();
});

test('a budget is read as it is written', () => {
  const none = { tokens: '', minutes: '', cost: '' };
  expect(budgetOf(none)).toMatchObject({ fits: true, budget: { tokens: null, cost: null, seconds: null } });
  for (const wrong of [{ tokens: '0' }, { tokens: '1e3' }, { minutes: '-1' }, { cost: 'x' }, { cost: '0' }])
    expect(budgetOf({ ...none, ...wrong }).fits, JSON.stringify(wrong)).toBe(false);
  const text = { tokens: '17', minutes: '2', cost: '0.5' };
  expect(budgetText(budgetOf(text).budget)).toEqual(text);
});

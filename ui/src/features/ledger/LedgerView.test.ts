import { expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import type { LedgerRow } from '../../protocol/LedgerRow';
import { checkAxe, mountWith } from '../../testing';
import LedgerView from './LedgerView.svelte';
import { linesOf } from './lines';

const row = (id: number): LedgerRow => ({
  id,
  at: Date.now(),
  host: `host-${id}:443`,
  target: 'POST /v1/responses',
  purpose: 'turn',
  session_id: null,
  turn_id: null,
  bytes: 1200,
  hash: 'ab12'.repeat(16),
  files: [{ path: 'src/a.rs', first_line: 1, last_line: 9 }],
});

test('says that nothing has left', async () => {
  const { getByText, container } = await mountWith(LedgerView, {
    backend: fakeBackend({ 'ledger/list': () => [] }),
  });
  await expect.element(getByText('Nothing has left this machine.')).toBeVisible();
  await checkAxe(container);
});

test('opens a row to the body that was sent, with what hides in it', async () => {
  const rows = Array.from({ length: 3000 }, (_, at) => row(3000 - at));
  const { getByRole, container } = await mountWith(LedgerView, {
    backend: fakeBackend({
      'ledger/list': () => rows,
      'ledger/show': ({ id }) => ({ row: row(id), body: '{"text":"a\u202eb"}' }),
    }),
  });
  await getByRole('button', { name: /host-3000/ }).click();
  await expect.element(getByRole('region', { name: 'Body' })).toHaveTextContent('"text": "a‹U+202E›b"');
  await expect.element(getByRole('listitem').first()).toHaveTextContent('BLAKE3 ab12');
  expect(container.querySelectorAll('[role=listitem]').length).toBeLessThan(100);
  await checkAxe(container);
});

test('lays a body out in lines and loses nothing of a long one', () => {
  const long = '😀'.repeat(5000);
  expect(linesOf(long).join('')).toBe(long);
  expect(linesOf('')).toEqual([]);
});

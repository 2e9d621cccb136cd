import { expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import { ledgerRow, ledgerTotal } from '../../app/engine';
import { fakeBackend, type Handlers } from '../../backend/fake';
import type { ListLedger } from '../../protocol/ListLedger';
import type { LedgerTotal } from '../../protocol/LedgerTotal';
import type { TotalBy } from '../../protocol/TotalBy';
import { askedFor, checkAxe, mountWith } from '../../testing';
import LedgerView from './LedgerView.svelte';
import { linesOf } from './lines';

const ROWS = Array.from({ length: 450 }, (_, at) =>
  ledgerRow({ id: 450 - at, host: `host-${450 - at}:443` }),
);

const TOTALS: Record<TotalBy, LedgerTotal[]> = {
  file: [ledgerTotal({ key: 'src/a\u202e.rs', folder: '/projects/ledgerd' })],
  session: [ledgerTotal({ key: 'gone', folder: '/projects/ledgerd' })],
  day: [ledgerTotal({ requests: 450, bytes: 4500 })],
};

/** A ledger that answers as the engine does. */
function open(change: Handlers = {}) {
  return mountWith(LedgerView, {
    backend: fakeBackend({
      'ledger/list': ({ before, limit }) =>
        ROWS.filter(({ id }) => before === null || id < before).slice(0, limit ?? undefined),
      'ledger/totals': ({ by }) => TOTALS[by],
      ...change,
    }),
    prepare: (kerf) => kerf.ledger.load(),
  });
}

test('says that nothing has left', async () => {
  const { getByText, container } = await open({ 'ledger/list': () => [], 'ledger/totals': () => [] });
  await expect.element(getByText('Nothing has left this machine.')).toBeVisible();
  await checkAxe(container);
});

test('opens a row to the body that was sent, with what hides in it', async () => {
  const body = { row: ledgerRow(), previous_hash: '', row_hash: '', body: '{"text":"a\u202eb"}' };
  const { getByRole, container } = await open({ 'ledger/show': () => body });
  await getByRole('button', { name: /host-450/ }).click();
  await expect.element(getByRole('region', { name: 'Body' })).toHaveTextContent('"text": "a‹U+202E›b"');
  await expect.element(getByRole('listitem').first()).toHaveTextContent('BLAKE3 ab12');
  expect(container.querySelectorAll('[role=listitem]').length).toBeLessThan(100);
  await checkAxe(container);
});

test('reads older requests as one scrolls to them, each once', async () => {
  const { getByRole, backend } = await open();
  const list = getByRole('list', { name: 'Requests' });
  await expect.element(getByRole('button', { name: /host-450/ })).toBeVisible();
  const shown = () => getByRole('button', { name: /host-1:443/ }).query() !== null;
  await expect
    .poll(() => {
      const element = list.element();
      element.scrollTop = element.scrollHeight;
      return shown();
    })
    .toBe(true);
  expect(askedFor(backend, 'ledger/list').map((asked) => (asked as ListLedger).before)).toEqual([
    null,
    251,
    51,
  ]);
});

test('adds up by file, task and day, and leads from a sum to its requests', async () => {
  const { getByRole, getByText, backend, container } = await open();
  await getByText('Tasks').click();
  await expect.element(getByRole('button', { name: /deleted task/ })).toBeVisible();
  await getByText('Files').click();
  await expect.element(getByRole('button', { name: /src\/a‹U\+202E›.rs/ })).toHaveTextContent('1 request');
  await checkAxe(container);
  await getByRole('button', { name: /src\/a/ }).click();
  await expect.element(getByText('src/a‹U+202E›.rs', { exact: true })).toBeVisible();
  expect(askedFor(backend, 'ledger/list').at(-1)).toMatchObject({
    folder: '/projects/ledgerd',
    file: 'src/a\u202e.rs',
    text: null,
  });
  await getByRole('button', { name: 'Show all' }).click();
  await expect
    .poll(() => askedFor(backend, 'ledger/list').at(-1))
    .toMatchObject({ folder: null, file: null });
});

test('finds what was sent by its text', async () => {
  const { getByRole, getByText, backend } = await open({
    'ledger/list': ({ text }) => (text === 'fn round' ? [] : ROWS.slice(0, 1)),
  });
  const field = getByRole('textbox', { name: 'Find in what was sent' });
  await field.fill('fn round');
  expect(askedFor(backend, 'ledger/list')).toHaveLength(1);
  await userEvent.keyboard('{Enter}');
  await expect.element(getByText('Nothing like that has left this machine.')).toBeVisible();
});

test('says which row breaks the chain', async () => {
  let broken: number | null = null;
  const { getByRole } = await open({ 'ledger/verify': () => ({ rows: 450, seal: '450:ab', broken }) });
  await getByRole('button', { name: 'Verify' }).click();
  await expect.element(getByRole('status')).toHaveTextContent('450 rows, none changed or missing');
  broken = 17;
  await getByRole('button', { name: 'Verify' }).click();
  await expect.element(getByRole('status')).toHaveTextContent('! Row 17 is missing or was changed');
});

test('lays a body out in lines and loses nothing of a long one', () => {
  const long = '😀'.repeat(5000);
  expect(linesOf(long).join('')).toBe(long);
  expect(linesOf('')).toEqual([]);
});

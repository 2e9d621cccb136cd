import { afterEach, expect, test, vi } from 'vitest';
import { fakeBackend } from '../backend/fake';
import type { Event } from '../protocol/Event';
import { session } from '../testing';
import { Kerf } from './kerf.svelte';

afterEach(() => vi.restoreAllMocks());

const ended: Event = {
  session_id: 'a',
  seq: 1,
  type: 'turn.completed',
  turn_id: 't',
  usage: session().usage,
  cancelled: false,
};

function kerf(focused: boolean) {
  vi.spyOn(document, 'hasFocus').mockReturnValue(focused);
  const backend = fakeBackend({ 'ledger/list': () => [], 'session/list': () => [] });
  const kerf = new Kerf(backend);
  kerf.start();
  kerf.tasks.all = [session({ id: 'a', title: 'Fix it' })];
  return { backend, kerf };
}

const notices = (backend: ReturnType<typeof fakeBackend>) =>
  backend.done.filter(([what]) => what === 'notify');

test('the system tells of a task that ended or asks while the window is not in front', () => {
  const { backend } = kerf(false);
  backend.send(ended);
  backend.send({
    session_id: 'a',
    seq: 2,
    type: 'approval.requested',
    question: { id: 'q', item_id: 'i', about: { type: 'edit', diff: 'secret' } },
  });
  expect(notices(backend)).toEqual([
    ['notify', 'Fix it', 'Done'],
    ['notify', 'Fix it', 'Asks for your approval'],
  ]);
});

test('it stays quiet in front, when it is off, and about what the user stopped', () => {
  const front = kerf(true);
  front.backend.send(ended);
  expect(notices(front.backend)).toEqual([]);
  const back = kerf(false);
  back.backend.send({ ...ended, cancelled: true } as Event);
  back.kerf.settings.current = { ...back.kerf.settings.current, notifications: 'off' };
  back.backend.send(ended);
  expect(notices(back.backend)).toEqual([]);
});

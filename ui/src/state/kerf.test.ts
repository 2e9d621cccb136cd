import { afterEach, expect, test, vi } from 'vitest';
import { fakeBackend } from '../backend/fake';
import type { Attached } from '../protocol/Attached';
import type { Event } from '../protocol/Event';
import type { OpenedProject } from '../protocol/OpenedProject';
import { project, session } from '../testing';
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
  const backend = fakeBackend({ 'ledger/totals': () => [], 'session/list': () => [] });
  const kerf = new Kerf(backend);
  kerf.start();
  kerf.tasks.all = [session({ id: 'a', title: 'Fix it' })];
  return { backend, kerf };
}

const notices = (backend: ReturnType<typeof fakeBackend>) =>
  backend.done.filter(([what]) => what === 'notify');

test('the system tells of a task that ended or asks while the window is not in front', async () => {
  const { backend } = kerf(false);
  backend.send(ended);
  backend.send({
    session_id: 'a',
    seq: 2,
    type: 'approval.requested',
    question: { id: 'q', item_id: 'i', about: { type: 'edit', diff: 'secret' } },
  });
  await expect
    .poll(() => notices(backend))
    .toEqual([
      ['notify', 'Fix it', 'Done'],
      ['notify', 'Fix it', 'Asks for your approval'],
    ]);
});

test('a notice has the title of a task that has just begun', async () => {
  vi.spyOn(document, 'hasFocus').mockReturnValue(false);
  const listed = [session({ id: 'a', title: 'Rename it' })];
  const backend = fakeBackend({ 'ledger/totals': () => [], 'session/list': () => listed });
  const begun = new Kerf(backend);
  begun.start();
  begun.tasks.all = [session({ id: 'a', title: '' })];
  backend.send(ended);
  await expect.poll(() => notices(backend)).toEqual([['notify', 'Rename it', 'Done']]);
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

test('what happens while a task is being opened is neither lost nor doubled', async () => {
  const said = (delta: string, seq: number): Event => ({
    session_id: 'a',
    seq,
    type: 'item.updated',
    item_id: 'm',
    delta,
  });
  let answer: (attached: Attached) => void = () => {};
  const backend = fakeBackend({
    'session/attach': () => new Promise((resolve) => (answer = resolve)),
    'session/list': () => [],
    'review/outline': () => ({ paths: [], files: [] }),
  });
  const kerf = new Kerf(backend);
  kerf.start();
  const opened = kerf.openTask('a');
  await expect.poll(() => backend.asked.some(({ method }) => method === 'session/attach')).toBe(true);
  // The engine looked after the second delta, and the answer comes after the third.
  backend.send(said('one ', 1), said('two ', 2), said('three', 3));
  const item = { id: 'm', turn_id: 't', created_at: 0, status: 'running', step: 1, part: 1 } as const;
  answer({
    transcript: {
      session: session({ id: 'a' }),
      turns: [
        {
          id: 't',
          state: 'running',
          created_at: 0,
          usage: session().usage,
          items: [{ ...item, type: 'agent_message', text: 'one two ' }],
        },
      ],
    },
    seq: 2,
    context: null,
    running: true,
  });
  await opened;
  backend.send(said(' four', 4));
  expect(kerf.task?.conversation.entries.map(({ item }) => item)).toMatchObject([
    { text: 'one two three four' },
  ]);
});

/** A window that opens with a folder, whose answer the test gives. */
async function opening() {
  let answer: (opened: OpenedProject) => void = () => {};
  const backend = fakeBackend({
    'settings/show': () => new Kerf(fakeBackend()).settings.current,
    'project/list': () => [project({ id: 'old', path: '/old' })],
    'project/open': () => new Promise((resolve) => (answer = resolve)),
    'session/list': () => [session({ id: 'a', project_id: 'old' })],
    'session/attach': () => new Promise(() => {}),
    'review/outline': () => ({ paths: [], files: [] }),
  });
  backend.shell.startFolders = () => Promise.resolve(['/new']);
  const kerf = new Kerf(backend);
  kerf.start();
  await expect.poll(() => backend.asked.some(({ method }) => method === 'project/open')).toBe(true);
  return { kerf, opened: () => answer({ type: 'opened', project: project({ id: 'new', path: '/new' }) }) };
}

test('a view that is chosen while the window loads stays, over the folder that it opens with', async () => {
  const { kerf, opened } = await opening();
  kerf.showSettings();
  opened();
  await expect.poll(() => kerf.ready).toBe(true);
  expect(kerf.project?.id).toBe('new');
  expect(kerf.view).toBe('settings');
});

test('a task that is opened while the window loads stays open', async () => {
  const { kerf, opened } = await opening();
  void kerf.openTask('a');
  opened();
  await expect.poll(() => kerf.ready).toBe(true);
  expect(kerf.projects.map(({ id }) => id)).toEqual(['new', 'old']);
  expect(kerf.task?.id).toBe('a');
});

test('without a choice the window shows the folder that it opens with', async () => {
  const { kerf, opened } = await opening();
  opened();
  await expect.poll(() => kerf.ready).toBe(true);
  expect([kerf.project?.id, kerf.task, kerf.view]).toEqual(['new', null, 'task']);
});

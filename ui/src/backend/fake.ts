/** A backend in memory, for tests of components: each method answers what the test says, and is written down. */

import type { Answers } from '../protocol/Answers';
import type { Event } from '../protocol/Event';
import type { IndexStatus } from '../protocol/IndexStatus';
import {
  RequestError,
  type Asked,
  type Backend,
  type Drag,
  type Follower,
  type Method,
  type Params,
} from './backend';

export type Handlers = { [M in Method]?: (params: Params<M>) => Answers[M] | Promise<Answers[M]> };

export interface FakeBackend extends Backend {
  /** All requests so far, in order. */
  readonly asked: { method: Method; params: unknown }[];
  /** What the shell was asked to do, in order: the method's name and its arguments. */
  readonly done: [string, ...unknown[]][];
  /** Sends a batch of events. */
  send(...events: Event[]): void;
  /** Tells how an index stands. */
  index(status: IndexStatus): void;
  /** Tells that a git command has something new. */
  git(folder: string): void;
  gap(): void;
  drag(drag: Drag): void;
  ask(asked: Asked): void;
}

export function fakeBackend(handlers: Handlers = {}): FakeBackend {
  const followers = new Set<Follower>();
  const dragging = new Set<(drag: Drag) => void>();
  const asking = new Set<(asked: Asked) => void>();
  const asked: FakeBackend['asked'] = [];
  const done: FakeBackend['done'] = [];
  const add = <T>(set: Set<T>, value: T) => {
    set.add(value);
    return () => void set.delete(value);
  };
  const note = (...what: [string, ...unknown[]]) => {
    done.push(what);
    return Promise.resolve();
  };
  return {
    asked,
    done,
    async request<M extends Method>(method: M, params: Params<M>) {
      asked.push({ method, params });
      const handler = handlers[method];
      if (!handler)
        throw new RequestError({ code: 'internal', message: `the test does not answer ${method}`, hint: '' });
      return await handler(params);
    },
    follow: (follower) => add(followers, follower),
    send: (...events) => followers.forEach((follower) => follower.events(events)),
    index: (status) => followers.forEach((follower) => follower.index(status)),
    git: (folder) => followers.forEach((follower) => follower.git(folder)),
    gap: () => followers.forEach((follower) => follower.gap()),
    drag: (drag) => dragging.forEach((handler) => handler(drag)),
    ask: (what) => asking.forEach((handler) => handler(what)),
    shell: {
      kind: 'desktop',
      startFolders: () => Promise.resolve([]),
      chooseFolders: () => note('chooseFolders').then(() => []),
      onDrag: (handler) => add(dragging, handler),
      onAsked: (handler) => add(asking, handler),
      openLink: (url) => note('openLink', url),
      openFile: (folder, path, line) => note('openFile', folder, path, line),
      notify: (title, body) => note('notify', title, body),
      saveText: (name, text) => note('saveText', name, text).then(() => true),
      droppedPicture: (path) =>
        note('droppedPicture', path).then(() => ({ media_type: 'image/png', data: btoa(path) })),
      newWindow: () => note('newWindow'),
    },
  };
}

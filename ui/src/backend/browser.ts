/**
 * The backend in a plain browser, at the loopback server of the tests: requests by `POST /rpc`, events by
 * server-sent events from `/events`. What only a desktop can do falls back to what a page can do.
 */

import type { Answers } from '../protocol/Answers';
import type { Event } from '../protocol/Event';
import type { Failure } from '../protocol/Failure';
import type { IndexStatus } from '../protocol/IndexStatus';
import { RequestError, type Backend, type Method, type Params } from './backend';

type Reply<T> = { ok: T } | { error: Failure };

async function rpc<T>(method: string, params: unknown): Promise<T> {
  let reply: Reply<T>;
  try {
    const response = await fetch('/rpc', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ method, params }),
    });
    reply = (await response.json()) as Reply<T>;
  } catch (thrown) {
    throw new RequestError({
      code: 'unreachable',
      message: `Kerf's engine does not answer: ${String(thrown)}`,
      hint: 'Start it again; nothing is lost',
    });
  }
  if ('error' in reply) throw new RequestError(reply.error);
  return reply.ok;
}

export function browserBackend(): Backend {
  return {
    request: <M extends Method>(method: M, params: Params<M>) => rpc<Answers[M]>(method, params),
    follow(follower) {
      const source = new EventSource('/events');
      let lost = false;
      source.onmessage = ({ data }) => follower.events(JSON.parse(data as string) as Event[]);
      source.addEventListener('index', ({ data }: MessageEvent<string>) =>
        follower.index(JSON.parse(data) as IndexStatus),
      );
      source.addEventListener('git', ({ data }: MessageEvent<string>) =>
        follower.git(JSON.parse(data) as string),
      );
      source.addEventListener('gap', () => follower.gap());
      source.onerror = () => {
        lost = true;
      };
      source.onopen = () => {
        if (lost) follower.gap();
        lost = false;
      };
      return () => source.close();
    },
    shell: {
      kind: 'browser',
      startFolders: () => Promise.resolve(new URLSearchParams(location.search).getAll('folder')),
      chooseFolders() {
        const path = prompt('The path of the folder');
        return Promise.resolve(path ? [path] : []);
      },
      onDrag: () => () => {},
      onAsked: () => () => {},
      openLink(url) {
        window.open(url, '_blank', 'noopener,noreferrer');
        return Promise.resolve();
      },
      openFile: () =>
        Promise.reject(
          new RequestError({ code: 'usage', message: 'a browser opens no editor', hint: 'Use the window' }),
        ),
      notify: () => Promise.resolve(),
      saveText(name, text) {
        const link = document.createElement('a');
        link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
        link.download = name;
        link.click();
        URL.revokeObjectURL(link.href);
        return Promise.resolve(true);
      },
      droppedPicture: () =>
        Promise.reject(new RequestError({ code: 'usage', message: 'a browser tells no paths', hint: '' })),
      newWindow() {
        window.open(location.href, '_blank', 'noopener');
        return Promise.resolve();
      },
    },
  };
}

/** The backend in the desktop window: one `rpc` command, and one ordered channel for events. */

import { Channel, invoke } from '@tauri-apps/api/core';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import { open } from '@tauri-apps/plugin-dialog';
import { isPermissionGranted, requestPermission, sendNotification } from '@tauri-apps/plugin-notification';
import type { Answers } from '../protocol/Answers';
import type { Event } from '../protocol/Event';
import type { Failure } from '../protocol/Failure';
import type { Image } from '../protocol/Image';
import type { IndexStatus } from '../protocol/IndexStatus';
import { RequestError, type Asked, type Backend, type Drag, type Method, type Params } from './backend';

/** What the channel carries: a batch of events, how an index stands, that a git command has something new, or that some of it was lost. */
type Message = { events: Event[] } | { index: IndexStatus } | { git: string } | { gap: true };

/** What the shell itself does, through the same command as the engine's requests. */
async function rpc<T>(method: string, params: unknown): Promise<T> {
  try {
    return await invoke<T>('rpc', { request: { method, params } });
  } catch (thrown) {
    const known = typeof thrown === 'object' && thrown !== null && 'message' in thrown;
    throw new RequestError(
      known ? (thrown as Failure) : { code: 'internal', message: String(thrown), hint: '' },
    );
  }
}

export function tauriBackend(): Backend {
  return {
    request: <M extends Method>(method: M, params: Params<M>) => rpc<Answers[M]>(method, params),
    follow(follower) {
      let open = true;
      const channel = new Channel<Message>();
      channel.onmessage = (message) => {
        if (!open) return;
        if ('events' in message) follower.events(message.events);
        else if ('index' in message) follower.index(message.index);
        else if ('git' in message) follower.git(message.git);
        else follower.gap();
      };
      rpc('shell/follow', { channel }).catch(() => follower.gap());
      return () => {
        open = false;
      };
    },
    shell: {
      kind: 'desktop',
      startFolders: () => rpc<string[]>('shell/start_folders', {}),
      async chooseFolders() {
        const chosen = await open({ directory: true, multiple: true, title: 'Open a project folder' });
        return chosen ?? [];
      },
      onDrag: (handler: (drag: Drag) => void) =>
        stopper(
          getCurrentWebview().onDragDropEvent(({ payload }) => {
            if (payload.type === 'drop') handler({ type: 'dropped', paths: payload.paths });
            else handler({ type: payload.type === 'leave' ? 'left' : 'over' });
          }),
        ),
      onAsked: (handler: (asked: Asked) => void) =>
        // Of this window alone: a plain `listen` hears what other windows are asked for.
        stopper(getCurrentWebview().listen<Asked>('asked', ({ payload }) => handler(payload))),
      openLink: (url) => rpc('shell/open_link', { url }),
      openFile: (folder, path, line) => rpc('shell/open_file', { folder, path, line: line ?? 1 }),
      async notify(title, body) {
        if ((await isPermissionGranted()) || (await requestPermission()) === 'granted')
          sendNotification({ title, body });
      },
      // The program asks for the place and writes there itself: a page names no file.
      saveText: (name, text) => rpc<boolean>('shell/save_text', { name, text }),
      droppedPicture: (path) => rpc<Image>('shell/dropped_picture', { path }),
      newWindow: () => rpc('shell/new_window', {}),
    },
  };
}

function stopper(started: Promise<() => void>): () => void {
  let stopped = false;
  let stop: (() => void) | undefined;
  void started.then((unlisten) => {
    if (stopped) unlisten();
    else stop = unlisten;
  });
  return () => {
    stopped = true;
    stop?.();
  };
}

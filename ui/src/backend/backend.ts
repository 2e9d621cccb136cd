/**
 * What the interface needs from outside: the engine's requests and events, and what only a desktop can do.
 *
 * There are three of it: the Tauri window, a plain browser at the test server, and one in memory for tests of
 * components. Nothing else in the interface knows which one it has.
 */

import type { Answers } from '../protocol/Answers';
import type { Event } from '../protocol/Event';
import type { Failure } from '../protocol/Failure';
import type { Image } from '../protocol/Image';
import type { IndexStatus } from '../protocol/IndexStatus';
import type { Request } from '../protocol/Request';

export type Method = keyof Answers;
export type Params<M extends Method> = Extract<Request, { method: M }>['params'];

export interface Backend {
  /** Carries a request out. Rejects with a [`RequestError`]. */
  request<M extends Method>(method: M, params: Params<M>): Promise<Answers[M]>;
  /** Events of all sessions that are open in the engine, in order, a batch a frame. Returns how to stop. */
  follow(follower: Follower): () => void;
  readonly shell: Shell;
}

export interface Follower {
  events(batch: Event[]): void;
  /** The index of a folder stands otherwise than before. */
  index(status: IndexStatus): void;
  /** The git command of the repository at this folder said or asked something, or ended. */
  git(folder: string): void;
  /** Events were lost: what was built from them must be asked for anew. */
  gap(): void;
}

/** What the program around the page can do. In a plain browser most of it does nothing. */
export interface Shell {
  readonly kind: 'desktop' | 'browser';
  /** Folders that the window was opened with. */
  startFolders(): Promise<string[]>;
  /** Lets the user choose folders; empty when nothing was chosen. */
  chooseFolders(): Promise<string[]>;
  /** Calls back when something is dragged over the window, dropped on it, or leaves it. Returns how to stop. */
  onDrag(handler: (drag: Drag) => void): () => void;
  /** Calls back when the native menu or the system asks for an action, or for a folder to be opened. */
  onAsked(handler: (asked: Asked) => void): () => void;
  /** Opens a web address in the user's browser, after the user said yes. */
  openLink(url: string): Promise<void>;
  /** Opens a file of a folder in the user's editor. */
  openFile(folder: string, path: string, line?: number): Promise<void>;
  /** Tells the user through the system. */
  notify(title: string, body: string): Promise<void>;
  /** Lets the user choose a place, and writes a text there. False: nothing was chosen. */
  saveText(name: string, text: string): Promise<boolean>;
  /** A picture that was dropped on the window. */
  droppedPicture(path: string): Promise<Image>;
  newWindow(): Promise<void>;
}

export type Drag = { type: 'over' } | { type: 'left' } | { type: 'dropped'; paths: string[] };
export type Asked = { type: 'action'; action: string } | { type: 'open'; paths: string[] };

/** A request that failed, with what to show. */
export class RequestError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
    this.name = 'RequestError';
  }
}

/** What to show of anything that was thrown. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof RequestError) return thrown.failure;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'internal', message, hint: '' };
}

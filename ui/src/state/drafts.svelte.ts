/** What stands in the composer, by task: a draft is still there when its task is opened again. */

import { failureOf } from '../backend/backend';
import { visibleName } from '../components/visible';
import type { Comment } from '../protocol/Comment';
import type { Image } from '../protocol/Image';

export class Draft {
  text = $state('');
  images: Image[] = $state.raw([]);
  /** Why a picture was not taken. */
  refused = $state('');
}

const drafts = new Map<string, Draft>();

export function draftOf(key: string): Draft {
  const draft = drafts.get(key) ?? new Draft();
  drafts.set(key, draft);
  return draft;
}

/** Names the draft of what is open: of a task, or of the next task of a project. */
export function draftKey(task: { id: string } | null, project: { id: string } | null): string {
  return task?.id ?? `new ${project?.id ?? ''}`;
}

/** How a message names a place. The model reads it as text, so it is the path as tools take it. */
export function mention(path: string, line?: number): string {
  const name = visibleName(path);
  const place = line === undefined ? name : `${name}:${line}`;
  return /\s/.test(place) ? `"${place}"` : place;
}

/** Adds a place at the end of a draft. */
export function addMention(draft: Draft, path: string, line?: number) {
  const apart = draft.text === '' || /\s$/.test(draft.text) ? '' : ' ';
  draft.text += `${apart}${mention(path, line)} `;
}

/** What was said once. */
export interface Said {
  text: string;
  images?: Image[];
  comments?: Comment[];
}

/** Puts what was said back into a draft, before what was written there since. */
export function putBack(draft: Draft, { text, images = [] }: Said) {
  if (!draft.text.startsWith(text)) draft.text = draft.text ? `${text}\n\n${draft.text}` : text;
  const known = new Set(draft.images.map(({ data }) => data));
  draft.images = [...images.filter(({ data }) => !known.has(data)), ...draft.images];
}

const TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const LARGEST = 5_000_000;

/** Takes pictures into a draft, and says of the others why not. */
export async function attach(draft: Draft, files: File[]) {
  const refused: string[] = [];
  for (const file of files) {
    if (!TYPES.includes(file.type)) refused.push(`${file.name}: only PNG, JPEG, GIF and WebP pictures`);
    else if (file.size > LARGEST) refused.push(`${file.name}: larger than 5 MB`);
    else draft.images = [...draft.images, { media_type: file.type, data: await base64(file) }];
  }
  draft.refused = refused.join('; ');
}

/** Whether a dropped file is a picture by its name: it goes with the message, and opens no folder. */
export function isPicture(path: string): boolean {
  return /\.(png|jpe?g|gif|webp)$/i.test(path);
}

/** Takes dropped pictures into a draft, and says of the others why not. */
export async function attachDropped(draft: Draft, paths: string[], read: (path: string) => Promise<Image>) {
  const refused: string[] = [];
  for (const path of paths) {
    try {
      draft.images = [...draft.images, await read(path)];
    } catch (thrown) {
      refused.push(failureOf(thrown).message);
    }
  }
  draft.refused = refused.join('; ');
}

function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve((reader.result as string).split(',')[1] ?? '');
    reader.onerror = () => reject(reader.error ?? new Error('the picture cannot be read'));
    reader.readAsDataURL(file);
  });
}

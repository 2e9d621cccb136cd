/** What the user has opened around hunks and what is folded: for each file, the view that the list lays out. */

import { counted } from '../../components/format';
import { lengthOf } from '../../diff/hunk';
import type { FileView, Gap } from '../../diff/view';
import type { FileOutline } from '../../protocol/FileOutline';
import type { HunkOutline } from '../../protocol/HunkOutline';
import type { ReviewState } from '../../state/review.svelte';
import { isNotebook, isPicture } from './words';

/** So many lines are shown with one click. */
export const STEP = 20;

interface Opened {
  whole: boolean;
  above: Record<number, number>;
  below: Record<number, number>;
}

const CLOSED: Opened = { whole: false, above: {}, below: {} };
const PLAIN: FileView = { around: true, ...CLOSED, folded: new Set(), edited: null, inset: false };

export class Views {
  #review: ReviewState;
  #foldsSpace: () => boolean;
  #edited: () => { path: string; id: number } | null;
  #noted: (path: string, hunk: number) => boolean;
  /** What is opened of files, by their paths. */
  #opened: Record<string, Opened> = $state.raw({});
  /** Hunks that are shown although they would be folded. */
  #shown: ReadonlySet<string> = $state.raw(new Set());
  /** Views that were made, with what they were made of: one that is no other stays the same object. */
  #made = new Map<string, { of: string; view: FileView }>();

  constructor(
    review: ReviewState,
    foldsSpace: () => boolean,
    edited: () => { path: string; id: number } | null,
    /** Whether something is written under a line of a hunk: what is folded would hide it. */
    noted: (path: string, hunk: number) => boolean,
  ) {
    this.#review = review;
    this.#foldsSpace = foldsSpace;
    this.#edited = edited;
    this.#noted = noted;
  }

  of(file: FileOutline): FileView {
    const edited = this.#edited();
    const id = edited?.path === file.path ? edited.id : null;
    // In a long review most files have nothing that could be folded.
    const cells = isNotebook(file);
    const may = cells || (this.#foldsSpace() && file.hunks.some(({ space_only }) => space_only));
    const folds = may ? file.hunks.filter((hunk) => this.foldWords(file, hunk) !== null) : [];
    const folded = folds.map((hunk) => hunk.id);
    const opened = this.#opened[file.path] ?? CLOSED;
    const inset = cells || isPicture(file);
    if (opened === CLOSED && id === null && folded.length === 0 && !inset) return PLAIN;
    const of = JSON.stringify([opened, id, folded, inset]);
    const made = this.#made.get(file.path);
    if (made?.of === of) return made.view;
    const view: FileView = { around: true, ...opened, folded: new Set(folded), edited: id, inset };
    this.#made.set(file.path, { of, view });
    return view;
  }

  /** What is said in the place of a hunk's lines; null when they are shown. */
  foldWords(file: FileOutline, hunk: HunkOutline): string | null {
    const space = this.#foldsSpace() && hunk.space_only === true;
    const cells = isNotebook(file) && !this.#review.extras.known(file)?.unreadable;
    if ((!space && !cells) || lengthOf(hunk) === 0) return null;
    const edited = this.#edited();
    if (edited?.id === hunk.id && edited.path === file.path) return null;
    if (this.#shown.has(nameOf(file, hunk)) || this.#noted(file.path, hunk.hunk)) return null;
    const lines = Math.max(hunk.removed, hunk.added);
    const differ = lines === 1 ? 'differs' : 'differ';
    return space
      ? `${counted(lines, 'line')} ${differ} only in white space`
      : `${counted(hunk.removed + hunk.added, 'line')} of the notebook's file`;
  }

  unfold(file: FileOutline, hunk: HunkOutline) {
    this.#shown = new Set([...this.#shown, nameOf(file, hunk)]);
  }

  /** Shows more lines around a hunk. */
  open(file: FileOutline, { id }: HunkOutline, side: 'above' | 'below', by: number) {
    const opened = this.#opened[file.path] ?? CLOSED;
    this.#put(file, { ...opened, [side]: { ...opened[side], [id]: (opened[side][id] ?? 0) + by } });
  }

  /** Shows all lines of a gap. */
  openGap(file: FileOutline, { before, after, length }: Gap) {
    const hunk = after && !this.of(file).folded.has(after.id) ? after : before;
    if (hunk) this.open(file, hunk, hunk === after ? 'below' : 'above', length);
  }

  isWhole(file: FileOutline): boolean {
    return this.#opened[file.path]?.whole ?? false;
  }

  /** Shows all lines of a file, or only what changed again. */
  openWhole(file: FileOutline) {
    this.#put(file, { ...CLOSED, whole: !this.isWhole(file) });
  }

  #put(file: FileOutline, opened: Opened) {
    this.#opened = { ...this.#opened, [file.path]: opened };
  }
}

function nameOf(file: FileOutline, hunk: HunkOutline): string {
  return `${hunk.id} ${file.path}`;
}

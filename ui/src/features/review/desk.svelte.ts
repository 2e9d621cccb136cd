/**
 * What the user does at the review desk: where they are, what is selected, what is being written, and what is asked
 * before it is done. What the review itself is, `ReviewState` knows.
 */

import { failureOf } from '../../backend/backend';
import { counted } from '../../components/format';
import { blankLine, changedLines, firstAdded, lengthOf, lineOfNew, sameLines } from '../../diff/hunk';
import type { Note } from '../../diff/rows';
import { changed, type Selection } from '../../diff/selection';
import type { Comment } from '../../protocol/Comment';
import type { Decision } from '../../protocol/Decision';
import type { FileOutline } from '../../protocol/FileOutline';
import type { HunkLine } from '../../protocol/HunkLine';
import type { HunkOutline } from '../../protocol/HunkOutline';
import type { Target } from '../../protocol/Target';
import type { Author } from '../../protocol/Author';
import type { Kerf } from '../../state/kerf.svelte';
import type { Place, ReviewState } from '../../state/review.svelte';
import { Editing } from './editing.svelte';
import { Views } from './views.svelte';
import { isLockFile, makerOf } from './words';

/** More hunks than these are not decided at once without a word. */
const MANY = 20;

/** A comment that is being written. */
export interface Draft extends Selection {
  text: string;
}

/** A question before something is done. */
export interface Ask {
  title: string;
  text: string;
  yes: string;
  run: () => void;
}

/** A note that shows a comment which waits for the next message. */
export interface CommentNote extends Note {
  comment: Comment;
}

const DRAFT = 'draft';

export class Desk {
  readonly review: ReviewState;
  readonly views: Views;
  readonly editing: Editing;
  /** The selected lines, as long as their hunk is what it was when they were selected. */
  selection: Selection | null = $derived.by(() => this.#selection());
  draft: Draft | null = $state(null);
  ask: Ask | null = $state.raw(null);
  committing = $state(false);
  /** Files that are folded, or not, against what is usual for them. */
  #folds: Record<string, boolean> = $state.raw({});
  #selected: { selection: Selection; of: HunkOutline } | null = $state.raw(null);
  /** The hunk that a comment is written about, as it was when that began, and its lines as far as they can be read. */
  #draftOf: { hunk: HunkOutline; lines: Promise<(at: number) => HunkLine | undefined> } | null = null;
  #kerf: Kerf;
  /** Brings a place into view. */
  reveal: (path: string, hunk?: number, line?: number) => void = () => {};
  /** Makes way for the conversation. */
  leave: () => void = () => {};
  /** Gives the keyboard to the changes, to this line of them if it is on screen. */
  focus: (place?: Place & { line: number }) => void = () => {};

  current: HunkOutline | null = $derived.by(() => this.#current());

  /** Comments that wait, under the lines that they are about; first where a new one is being written. */
  notes: Note[] = $derived.by(() => this.#notes());

  /** Comments on lines that the review no longer shows. */
  strayed: Comment[] = $derived.by(() => this.#strayed());

  constructor(kerf: Kerf, review: ReviewState) {
    this.#kerf = kerf;
    this.review = review;
    const { settings } = kerf;
    this.editing = new Editing(review, {
      ask: (ask) => (this.ask = ask),
      begun: () => this.show(),
      decided: () => this.#goOn(),
      focus: () => this.focus(),
    });
    this.views = new Views(
      review,
      () => settings.current.appearance.fold_white_space,
      () => this.editing.now,
      (path, hunk) => this.notes.some((note) => note.path === path && note.hunk === hunk),
    );
  }

  select(selection: Selection | null) {
    const of = selection && this.review.hunk(selection);
    this.#selected = selection && of ? { selection, of } : null;
  }

  /** Whether a comment is written about a hunk that is no longer there. */
  get draftStrayed(): boolean {
    return this.draft !== null && !this.review.hunk(this.draft);
  }

  isDraft(note: Note): boolean {
    return note.id === DRAFT;
  }

  /** The lines of the selection that can be decided. */
  get selected(): number[] {
    const { selection } = this;
    const hunk = selection && this.review.hunk(selection);
    return hunk ? changed(hunk, selection.lines) : [];
  }

  canDecide(decision: Decision): boolean {
    if (this.review.busy || this.review.readOnly) return false;
    const wanted = decision === 'accept' ? 'accepted' : 'rejected';
    if (this.selection) {
      const state = this.review.hunk(this.selection)?.state;
      // A deletion is decided as a whole.
      const deleted = this.review.file(this.selection.path)?.status === 'deleted';
      return this.selected.length > 0 && state !== wanted && !deleted;
    }
    return this.current !== null && this.current.state !== wanted;
  }

  /** Decides the selected lines, else the current hunk, and goes on to the next that waits. */
  async decide(decision: Decision) {
    const { selection } = this;
    const { current } = this.review;
    if (!this.canDecide(decision)) return;
    if (selection) {
      const { path, hunk } = selection;
      const lines = this.selected;
      const id = this.review.hunk(selection)?.id ?? null;
      this.select(null);
      await this.review.decide(decision, { type: 'lines', path, hunk, id, lines });
    } else if (current) {
      await this.decideHunk(decision, current);
    }
  }

  async decideHunk(decision: Decision, place: Place) {
    this.select(null);
    this.review.current = place;
    // What is decided is what is on screen, whatever the agent does meanwhile.
    const id = this.review.hunk(place)?.id ?? null;
    await this.review.decide(decision, { type: 'hunk', ...place, id });
    if (this.review.failure || this.review.hunk(place)?.state === 'pending') return;
    this.#goOn();
  }

  #goOn() {
    const before = this.review.current;
    this.review.advance();
    if (before !== this.review.current) this.show();
  }

  decideFile(decision: Decision, file: FileOutline) {
    const { path } = file;
    const { scope } = this.review;
    const target: Target =
      scope.type === 'turn' ? { type: 'turn', turn_id: scope.turn_id, path } : { type: 'file', path };
    this.#askFirst(decision, [file], `in ${path}`, () => void this.review.decide(decision, target));
  }

  decideRest(decision: Decision) {
    const { scope } = this.review;
    const target: Target =
      scope.type === 'turn' ? { type: 'turn', turn_id: scope.turn_id, path: null } : { type: 'all' };
    this.#askFirst(decision, this.review.files, '', () => void this.review.decide(decision, target));
  }

  async undo() {
    this.select(null);
    const undone = this.review.lastDecided[0];
    await this.review.undo();
    if (undone && this.review.hunk(undone)) {
      this.review.current = undone;
      this.show();
    }
  }

  move(by: 1 | -1) {
    this.select(null);
    this.review.move(by);
    this.show();
  }

  go(path: string, hunk?: number) {
    const file = this.review.file(path);
    const first = file?.hunks.find(({ state }) => state === 'pending') ?? file?.hunks[0];
    if (first) this.review.current = { path, hunk: hunk ?? first.hunk };
    this.reveal(path, hunk);
  }

  /** Brings the current hunk into view. */
  show() {
    const { current } = this.review;
    if (!current) return;
    const file = this.review.file(current.path);
    if (file && this.isFolded(file)) this.fold(file, false);
    this.reveal(current.path, current.hunk);
  }

  isFolded(file: FileOutline): boolean {
    return this.#folds[file.path] ?? isLockFile(file.path);
  }

  fold(file: FileOutline, folded: boolean) {
    this.#folds = { ...this.#folds, [file.path]: folded };
  }

  /** Begins a comment on the selected lines, else on what the current hunk changes. */
  comment(place: Selection | Place | null = this.selection ?? this.review.current) {
    const file = place && this.review.file(place.path);
    const hunk = place && this.review.hunk(place);
    if (!file || !hunk || lengthOf(hunk) === 0) return;
    // Its lines are not there while they are edited.
    if (this.editing.now?.path === file.path && this.editing.now.id === hunk.id) return;
    const lines = 'lines' in place ? place.lines : changedLines(hunk);
    // A new place takes what was written so far along.
    const text = this.draft?.text ?? '';
    this.review.current = { path: place.path, hunk: place.hunk };
    this.draft = { path: place.path, hunk: place.hunk, lines, text };
    // What is commented is what was there when that began.
    const { lines: texts } = this.review;
    this.#draftOf = { hunk, lines: texts.readLines(file, hunk, lines) };
    this.select(null);
  }

  async saveComment() {
    const { draft } = this;
    const of = this.#draftOf;
    if (!of || !draft?.text.trim()) return;
    const { hunk } = of;
    const chosen = draft.lines.map((at) => blankLine(hunk, at));
    const numbers = chosen.flatMap((line) => line.new ?? []);
    // Removed lines have no number in the text as proposed: what follows them has, or what stands before.
    const last = draft.lines.at(-1) ?? 0;
    const near = Math.max(1, Math.min(numberNear(hunk, last), lastNew(hunk)));
    const lineAt = await of.lines;
    await this.review.comment({
      path: draft.path,
      first_line: numbers[0] ?? near,
      last_line: numbers.at(-1) ?? near,
      excerpt: draft.lines.flatMap((at) => lineAt(at)?.text ?? []).join('\n'),
      text: draft.text.trim(),
    });
    if (!this.review.failure) this.closeComment();
  }

  closeComment() {
    const { draft } = this;
    this.draft = null;
    this.focus(draft ? { path: draft.path, hunk: draft.hunk, line: draft.lines.at(-1) ?? 0 } : undefined);
  }

  async toggleLayout() {
    const { settings } = this.#kerf;
    const { diff_layout } = settings.current.appearance;
    await this.#kerf.try(() =>
      settings.appearance({ diff_layout: diff_layout === 'unified' ? 'split' : 'unified' }),
    );
  }

  async toggleWhiteSpace() {
    const { settings } = this.#kerf;
    const { fold_white_space } = settings.current.appearance;
    await this.#kerf.try(() => settings.appearance({ fold_white_space: !fold_white_space }));
  }

  get folder(): string | null {
    return this.#kerf.session?.folder ?? this.#kerf.project?.path ?? null;
  }

  /** Who made the selected lines, else the current hunk: whoever was at it last. */
  maker: Author | null = $derived.by(() => this.#maker());

  /** The same in words. */
  get makerWords(): string {
    return this.maker ? makerOf(this.maker, this.#kerf.task?.conversation) : '';
  }

  /** Goes to the place in the conversation where lines were made: the selected ones, or those of a hunk. */
  why(author: Author | null = this.maker): boolean {
    if (!author || author.type === 'user') return false;
    if (this.seek(author.item_id)) return true;
    this.review.failure = {
      code: 'not_found',
      message: 'what made this is no longer in the conversation',
      hint: 'That part of it was taken back by a restore',
    };
    return false;
  }

  /** Goes to an entry of the conversation. */
  seek(itemId: string): boolean {
    const found = this.#kerf.seek(itemId);
    if (found) this.leave();
    return found;
  }

  #maker(): Author | null {
    const { selection, current } = this;
    const place = selection ?? this.review.current;
    const file = place && this.review.file(place.path);
    const hunk = selection ? this.review.hunk(selection) : current;
    if (!file || !hunk) return null;
    const { lines } = this.review;
    const chosen = selection ? changed(hunk, selection.lines) : [];
    const made = chosen.flatMap((at) => lines.madeBy(file, hunk, at) ?? []);
    const authors = selection ? made : (lines.head(file, hunk)?.authors ?? []);
    return authors.findLast(({ type }) => type !== 'user') ?? authors.at(-1) ?? null;
  }

  /** Shows what was sent of a file. */
  sent(path: string) {
    if (this.folder !== null) this.#kerf.showSent(this.folder, path);
  }

  /** Copies the selected lines. */
  async copy() {
    const { selection } = this;
    const file = selection && this.review.file(selection.path);
    const hunk = selection && this.review.hunk(selection);
    if (!file || !hunk) return;
    const lineAt = await this.review.lines.readLines(file, hunk, selection.lines);
    const lines = selection.lines.map((at) => lineAt(at)?.text);
    await this.#kerf.try(async () => {
      // A part of them would pass for all.
      if (lines.includes(undefined)) throw new Error('These lines have changed: select them again');
      await navigator.clipboard.writeText(lines.join('\n'));
    });
  }

  /** The number as proposed of the first selected line, or of the one that follows it. */
  get lineNumber(): number {
    const { selection } = this;
    const hunk = selection && this.review.hunk(selection);
    return hunk ? Math.max(1, Math.min(numberNear(hunk, selection.lines[0] ?? 0), lastNew(hunk))) : 1;
  }

  /** Opens the file of the selected lines in the user's editor, at the first of them. */
  async openLine() {
    const { selection } = this;
    if (selection) await this.#open(selection.path, this.lineNumber);
  }

  /** Opens a file in the user's editor, at the first line that a hunk changes. */
  async open(path: string, hunk = this.review.file(path)?.hunks[0]) {
    await this.#open(path, hunk && lengthOf(hunk) > 0 ? firstAdded(hunk) : undefined);
  }

  async #open(path: string, line: number | undefined) {
    const { folder } = this;
    if (folder === null) return;
    // Who opens a file looks for it soon.
    this.#kerf.search.touch(folder, path);
    try {
      await this.#kerf.backend.shell.openFile(folder, path, line);
    } catch (thrown) {
      this.review.failure = failureOf(thrown);
    }
  }

  #selection(): Selection | null {
    const selected = this.#selected;
    const now = selected && this.review.hunk(selected.selection);
    return selected && now && sameLines(now, selected.of) ? selected.selection : null;
  }

  #current(): HunkOutline | null {
    const { current } = this.review;
    return current ? (this.review.hunk(current) ?? null) : null;
  }

  #notes(): Note[] {
    const notes: Note[] = [];
    const { draft } = this;
    if (draft) notes.push({ id: DRAFT, path: draft.path, hunk: draft.hunk, at: draft.lines.at(-1) ?? 0 });
    for (const [index, comment] of this.review.comments.entries()) {
      const place = this.#placeOf(comment);
      if (place) notes.push({ id: `comment-${index}`, ...place, comment } as CommentNote);
    }
    return notes;
  }

  #strayed(): Comment[] {
    return this.review.comments.filter((comment) => !this.#placeOf(comment));
  }

  /** Whether the lines of a comment are no longer in the file. */
  isGone(comment: Comment): boolean {
    return this.review.isGone(comment);
  }

  #placeOf(comment: Comment): Omit<Note, 'id'> | null {
    if (this.review.isGone(comment)) return null;
    const { path, last_line } = comment;
    for (const hunk of this.review.file(path)?.hunks ?? []) {
      const at = lineOfNew(hunk, last_line);
      if (at !== null) return { path, hunk: hunk.hunk, at };
    }
    return null;
  }

  /** Asks before many hunks are decided at once, and tells of those that are accepted by themselves only. */
  #askFirst(decision: Decision, files: FileOutline[], where: string, run: () => void) {
    const waiting = files.flatMap((file) =>
      file.hunks.flatMap((hunk) => (hunk.state === 'pending' ? [{ file, hunk }] : [])),
    );
    if (waiting.length === 0) return;
    const held = decision === 'accept' ? waiting.filter(({ hunk }) => hunk.disguised).length : 0;
    const decided = waiting.length - held;
    if (decided === 0) {
      // Nothing is asked: the engine says which of them wait.
      return run();
    }
    if (decided <= MANY && held === 0) return run();
    const verb = decision === 'accept' ? 'Accept' : 'Reject';
    const count = counted(decided, 'hunk');
    const text = [
      held > 0 &&
        `${counted(held, 'hunk')} more ${held === 1 ? 'waits' : 'wait'}: characters in ${held === 1 ? 'it' : 'them'} are hidden or look like others, marked as ‹U+…›. Look at ${held === 1 ? 'it, and accept it' : 'each, and accept it'} by itself.`,
      decision === 'reject' && 'What they changed is taken out of the files.',
      'You can take it back with Undo.',
    ];
    this.ask = {
      title: [`${verb} ${count}`, where].filter(Boolean).join(' ') + '?',
      text: text.filter(Boolean).join(' '),
      yes: `${verb} ${count}`,
      run,
    };
  }
}

/** The number as proposed of a line, or of the one that follows it. */
function numberNear(hunk: HunkOutline, at: number): number {
  return blankLine(hunk, at).new ?? hunk.new + hunk.above;
}

/** The last number as proposed of a hunk's lines. */
function lastNew({ new: first, above, added, below }: HunkOutline): number {
  return first + above + added + below - 1;
}

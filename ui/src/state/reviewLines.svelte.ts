/**
 * The texts of a review's lines, as far as they were read. What is on screen is read first, then what is near it; the
 * outline says all the rest. Lines belong to the content that the outline named: with another one they are read anew.
 */

import type { Backend } from '../backend/backend';
import { lengthOf } from '../diff/hunk';
import type { FileOutline } from '../protocol/FileOutline';
import type { HunkLine } from '../protocol/HunkLine';
import type { HunkOutline } from '../protocol/HunkOutline';
import type { HunkPart } from '../protocol/HunkPart';
import type { Author } from '../protocol/Author';
import type { MadeLines } from '../protocol/MadeLines';
import type { Scope } from '../protocol/Scope';
import type { WantedLines } from '../protocol/WantedLines';

/** So many lines are read, and painted, together: painting them takes a few milliseconds, and most hunks are one. */
export const STRETCH = 400;
/** So many lines on either side of what is on screen are read with it. */
const NEAR = 300;
/** So many stretches are asked for at once. */
const AT_ONCE = 64;
/** So many places that came on screen last are remembered; a screen has fewer. */
const SEEN = 48;

/** So often in a row the outline is read again because its lines were gone. */
const PATIENCE = 5;

/** What is known of a hunk's lines. */
interface ReadHunk {
  /** What stands above the lines, once some of them were read. */
  head: HunkHead | null;
  /** Whole stretches of lines, by their number. */
  stretches: (HunkLine[] | undefined)[];
  made: Made;
  /** Stretches of which a part was read. */
  begun: Map<number, HunkLine[]>;
}

/** What stands above the lines of a hunk. */
export type HunkHead = Pick<HunkPart, 'header' | 'authors' | 'ends_only'>;

/** Who made a line: the runs of what was read, in no order. */
type Made = MadeLines[];

/** What was read of a file. It is made where nothing is drawn: who draws would not be told of what it makes itself. */
class ReadFile {
  #hunks = new Map<number, ReadHunk>();
  /** Rises with what is read. */
  #version = $state(0);

  hunk(number: number): ReadHunk {
    void this.#version;
    const read = this.#hunks.get(number) ?? { head: null, stretches: [], made: [], begun: new Map() };
    this.#hunks.set(number, read);
    return read;
  }

  put(hunk: HunkOutline, part: HunkPart) {
    const read = this.hunk(hunk.hunk);
    read.head ??= part;
    const stretch = Math.floor(part.first / STRETCH);
    const lines = read.begun.get(stretch) ?? [];
    // Two may have asked for the same.
    if (read.stretches[stretch] || stretch * STRETCH + lines.length !== part.first) return;
    lines.push(...part.lines);
    read.made.push(...(part.made_by ?? []));
    const whole = Math.min(STRETCH, lengthOf(hunk) - stretch * STRETCH);
    if (lines.length < whole) {
      read.begun.set(stretch, lines);
    } else {
      read.begun.delete(stretch);
      read.stretches[stretch] = lines;
      this.#version += 1;
    }
  }
}

/** A stretch of a hunk. */
interface Piece {
  file: FileOutline;
  hunk: HunkOutline;
  stretch: number;
}

export class ReviewLines {
  #backend: Backend;
  #sessionId: string;
  #scope: Scope;
  #onstale: () => void;
  #onfailure: (thrown: unknown) => void;
  #files: FileOutline[] = [];
  #places = new Map<string, number>();
  #read = new Map<string, ReadFile>();
  /** What came on screen last, the newest at the end. */
  #seen = new Map<string, Piece>();
  #reading = false;
  /** How many answers in a row were refused, because the review is no longer as it was outlined. */
  #refused = 0;

  constructor(
    backend: Backend,
    sessionId: string,
    scope: Scope,
    onstale: () => void,
    onfailure: (thrown: unknown) => void,
  ) {
    this.#backend = backend;
    this.#sessionId = sessionId;
    this.#scope = scope;
    this.#onstale = onstale;
    this.#onfailure = onfailure;
  }

  /** The review has these files now. Of contents that are gone nothing is kept. */
  follow(files: FileOutline[]) {
    this.#files = files;
    this.#places = new Map(files.map(({ path }, at) => [path, at]));
    const kept = new Set(files.map(nameOf));
    for (const name of this.#read.keys()) if (!kept.has(name)) this.#read.delete(name);
    for (const file of files) this.#of(file);
    if (this.#seen.size > 0) this.#start();
  }

  /** What stands above the lines of a hunk; null until some of them are read. */
  head(file: FileOutline, hunk: HunkOutline): HunkHead | null {
    return this.#of(file).hunk(hunk.hunk).head;
  }

  /** The line with those that were read with it; null until it is. It is on screen, and is read soon. */
  see(file: FileOutline, hunk: HunkOutline, at: number): { lines: HunkLine[]; at: number } | null {
    const stretch = Math.floor(at / STRETCH);
    const name = `${stretch} ${hunk.hunk} ${file.path}`;
    this.#seen.delete(name);
    this.#seen.set(name, { file, hunk, stretch });
    if (this.#seen.size > SEEN) this.#seen.delete(this.#seen.keys().next().value as string);
    this.#start();
    const lines = this.#of(file).hunk(hunk.hunk).stretches[stretch];
    return lines ? { lines, at: at % STRETCH } : null;
  }

  /** Who made a line, by its index in the hunk; null until it is read, and where nobody is known. */
  madeBy(file: FileOutline, hunk: HunkOutline, at: number): Author | null {
    const { made } = this.#of(file).hunk(hunk.hunk);
    return made.find(({ first, count }) => at >= first && at < first + count)?.author ?? null;
  }

  /** Reads some lines of a hunk. Those that cannot be had any more are left out. */
  async readLines(
    file: FileOutline,
    hunk: HunkOutline,
    lines: number[],
  ): Promise<(at: number) => HunkLine | undefined> {
    const read = this.#of(file).hunk(hunk.hunk);
    const stretches = new Set(lines.map((at) => Math.floor(at / STRETCH)));
    try {
      await this.#readPieces([...stretches].map((stretch) => ({ file, hunk, stretch })));
    } catch (thrown) {
      this.#onfailure(thrown);
    }
    return (at) => read.stretches[Math.floor(at / STRETCH)]?.[at % STRETCH];
  }

  /**
   * Reads of files that changed what was on screen of them, so that it can be shown in its place at once. What cannot
   * be read now is read when it is seen.
   */
  async prepare(files: FileOutline[]) {
    const changed = new Map(files.map((file) => [file.path, file]));
    const pieces = [...this.#seen.values()].flatMap(({ file, hunk, stretch }) => {
      const now = changed.get(file.path);
      const its = now?.hunks.find((other) => other.hunk >= hunk.hunk) ?? now?.hunks.at(-1);
      return now && its ? [{ file: now, hunk: its, stretch: Math.min(stretch, countOf(its) - 1) }] : [];
    });
    try {
      await this.#readPieces(pieces);
    } catch {
      // It is asked for again when it is seen, and told then.
    }
  }

  #start() {
    if (this.#reading) return;
    this.#reading = true;
    queueMicrotask(() => void this.#readOn());
  }

  async #readOn() {
    try {
      for (;;) {
        const seen = [...this.#seen.values()].filter(({ file }) => this.#isShown(file)).reverse();
        const visible = seen.filter((piece) => !this.#has(piece));
        const pieces = visible.length > 0 ? visible : this.#near(seen);
        if (pieces.length === 0) return;
        const read = await this.#readPieces(pieces.slice(0, AT_ONCE));
        this.#refused = read ? 0 : this.#refused + 1;
        if (read) continue;
        // The outline tells what is there now. Should it go on to tell of what is not, nobody asks for ever.
        if (this.#refused > PATIENCE) this.#seen.clear();
        this.#onstale();
        return;
      }
    } catch (thrown) {
      this.#onfailure(thrown);
    } finally {
      this.#reading = false;
    }
  }

  /** Whether the review still has the file as it was when it was seen. */
  #isShown(file: FileOutline): boolean {
    const now = this.#files[this.#places.get(file.path) ?? -1];
    return now?.content === file.content;
  }

  #has({ file, hunk, stretch }: Piece): boolean {
    const read = this.#of(file).hunk(hunk.hunk);
    return read.head !== null && read.stretches[stretch] !== undefined;
  }

  /** What is not read yet of the lines around these. */
  #near(seen: Piece[]): Piece[] {
    const near = new Map<ReadHunk, Set<number>>();
    const pieces: Piece[] = [];
    const add = (piece: Piece) => {
      const read = this.#of(piece.file).hunk(piece.hunk.hunk);
      const stretches = near.get(read) ?? new Set();
      near.set(read, stretches);
      if (stretches.has(piece.stretch) || this.#has(piece)) return;
      stretches.add(piece.stretch);
      pieces.push(piece);
    };
    for (const by of [1, -1] as const) {
      for (const piece of seen) {
        let left = NEAR;
        for (let next = this.#beside(piece, by); next && left > 0; next = this.#beside(next, by)) {
          add(next);
          left -= Math.max(1, Math.min(lengthOf(next.hunk) - next.stretch * STRETCH, STRETCH));
        }
      }
    }
    return pieces;
  }

  /** The stretch that follows one, or stands before it. */
  #beside({ file, hunk, stretch }: Piece, by: 1 | -1): Piece | null {
    const within = stretch + by;
    if (within >= 0 && within < countOf(hunk)) return { file, hunk, stretch: within };
    const beside = (file: FileOutline, hunk: HunkOutline) => ({
      file,
      hunk,
      stretch: by === 1 ? 0 : countOf(hunk) - 1,
    });
    // A scope may leave hunks out: numbers are no places.
    const sibling = file.hunks[file.hunks.findIndex((other) => other.hunk === hunk.hunk) + by];
    if (sibling) return beside(file, sibling);
    for (let at = (this.#places.get(file.path) ?? -2) + by; this.#files[at]; at += by) {
      const next = this.#files[at];
      const its = next?.hunks.at(by === 1 ? 0 : -1);
      if (next && its) return beside(next, its);
    }
    return null;
  }

  /** Reads stretches, in as many requests as it takes. False: some are no longer so. */
  async #readPieces(pieces: Piece[]): Promise<boolean> {
    for (;;) {
      const wanted = pieces
        .filter((piece) => !this.#has(piece))
        .slice(0, AT_ONCE)
        .map((piece) => this.#wantedOf(piece));
      if (wanted.length === 0) return true;
      const { parts, stale } = await this.#backend.request('review/lines', {
        session_id: this.#sessionId,
        wanted,
        scope: this.#scope,
      });
      const byName = new Map(pieces.map((piece) => [`${piece.hunk.hunk} ${nameOf(piece.file)}`, piece]));
      for (const part of parts) {
        const piece = byName.get(`${part.hunk} ${nameOf(part)}`);
        if (piece) this.#of(piece.file).put(piece.hunk, part);
      }
      // Lines that the outline tells of are always sent.
      if (stale || parts.every(({ lines }, at) => lines.length === 0 && wanted[at]?.count !== 0))
        return false;
    }
  }

  #of(file: Pick<FileOutline, 'path' | 'content'>): ReadFile {
    const name = nameOf(file);
    const read = this.#read.get(name) ?? new ReadFile();
    this.#read.set(name, read);
    return read;
  }

  #wantedOf({ file, hunk, stretch }: Piece): WantedLines {
    const begun = this.#of(file).hunk(hunk.hunk).begun.get(stretch)?.length ?? 0;
    return {
      path: file.path,
      content: file.content,
      hunk: hunk.hunk,
      first: stretch * STRETCH + begun,
      count: Math.min(STRETCH, lengthOf(hunk) - stretch * STRETCH) - begun,
    };
  }
}

/** How many stretches a hunk has. One without lines has one too, for what stands above. */
function countOf(hunk: HunkOutline): number {
  return Math.max(1, Math.ceil(lengthOf(hunk) / STRETCH));
}

function nameOf({ path, content }: Pick<FileOutline, 'path' | 'content'>): string {
  return `${content} ${path}`;
}

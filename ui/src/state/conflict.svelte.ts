/** A file in conflict, and what the user chooses in each of its parts. */

import type { ConflictPart } from '../protocol/ConflictPart';
import type { FileConflict } from '../protocol/FileConflict';

export type OpenPart = Extract<ConflictPart, { type: 'open' }>;
export type Choice = 'ours' | 'theirs' | 'both' | 'edit';

export class ConflictChoices {
  readonly conflict: FileConflict;
  /** By the part's place; parts that are merged have none. */
  choices: Record<number, Choice> = $state({});
  edits: Record<number, string> = $state({});

  constructor(conflict: FileConflict) {
    this.conflict = conflict;
  }

  get parts(): ConflictPart[] {
    return this.conflict.parts ?? [];
  }

  get left(): number {
    return this.parts.filter((part, at) => part.type === 'open' && !this.choices[at]).length;
  }

  choose(at: number, choice: Choice) {
    const part = this.parts[at];
    if (part?.type !== 'open') return;
    // To edit is to begin with what was chosen.
    if (choice === 'edit' && this.edits[at] === undefined)
      this.edits[at] = textOf(part, this.choices[at] ?? 'ours', '');
    this.choices[at] = choice;
  }

  /** The whole text as it was chosen. */
  get text(): string {
    return this.parts
      .map((part, at) =>
        part.type === 'merged' ? part.text : textOf(part, this.choices[at] ?? 'ours', this.edits[at] ?? ''),
      )
      .join('');
  }
}

function textOf(part: OpenPart, choice: Choice, edited: string): string {
  switch (choice) {
    case 'ours':
      return part.ours;
    case 'theirs':
      return part.theirs;
    case 'both':
      return ended(part.ours) + part.theirs;
    case 'edit':
      return edited;
  }
}

/** A text whose last line has its end, so that another can follow. */
function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

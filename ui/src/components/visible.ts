/** Makes characters visible that hide, or that turn the text around them. */

// Controls except tab and line feed, soft hyphen, zero-width and bidirectional marks, variation selectors, tags.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]/gu;

/** The text with each hidden character as its number, `‹U+202E›`. */
export function visible(text: string): string {
  return text.replace(
    HIDDEN,
    (character) => `‹U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}›`,
  );
}

/** The same on one line. */
export function visibleLine(text: string): string {
  return visible(text.replace(/\s+/g, ' '));
}

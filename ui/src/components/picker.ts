/** What a picker lists, and how what was typed chooses among it. */

export interface PickerItem {
  /** Unique in its list. */
  id: string;
  group: string;
  title: string;
  detail?: string;
  keys?: string;
  /** Whether the title is a path or a name in code. */
  code?: boolean;
}

/** How well a text answers to letters in their order: higher is better, null not at all. */
export function matched(text: string, query: string): number | null {
  const hay = text.toLowerCase();
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  let score = 0;
  for (const word of words) {
    const found = scoreOf(hay, word);
    if (found === null) return null;
    score += found;
  }
  return score - hay.length / 1000;
}

function scoreOf(hay: string, word: string): number | null {
  const whole = hay.indexOf(word);
  if (whole >= 0) return whole === 0 ? 100 : /\w/.test(hay.charAt(whole - 1)) ? 60 : 80;
  let at = -1;
  let begins = 0;
  for (const letter of word) {
    at = hay.indexOf(letter, at + 1);
    if (at < 0) return null;
    if (at === 0 || !/\w/.test(hay.charAt(at - 1))) begins += 1;
  }
  // Letters strewn over a text are no answer unless most of them begin words.
  return begins * 2 >= word.length ? 10 + begins : null;
}

/** A short text of a model with code in it: `split` between backticks. It stays text; nothing of it becomes HTML. */

export interface Words {
  text: string;
  code: boolean;
}

/** As many backticks as began it end a piece of code; those without an end are what they are. */
export function inlineCode(text: string): Words[] {
  const parts = text.split(/(`+)/);
  // Backticks stand at the odd places.
  const ends: (number | undefined)[] = [];
  const next = new Map<number, number>();
  for (let at = parts.length - 2; at > 0; at -= 2) {
    const { length } = parts[at] ?? '';
    ends[at] = next.get(length);
    next.set(length, at);
  }
  const all: Words[] = [];
  let plain = '';
  const end = () => {
    if (plain) all.push({ text: plain, code: false });
    plain = '';
  };
  for (let at = 0; at < parts.length; at += 1) {
    const to = ends[at];
    if (to === undefined) {
      plain += parts[at] ?? '';
      continue;
    }
    const code = parts.slice(at + 1, to).join('');
    end();
    // A space at both ends keeps backticks of its own apart.
    all.push({ text: /^ .*\S.* $/.test(code) ? code.slice(1, -1) : code, code: true });
    at = to;
  }
  end();
  return all;
}

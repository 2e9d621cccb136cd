/** A body in lines that can be mounted one by one. */

/** A line longer than this is cut into several: one of a megabyte could not be shown in parts. */
const LONGEST = 2000;

/** The body's lines, all of it; JSON is laid out over lines, since it travels on one. */
export function linesOf(body: string): string[] {
  if (body === '') return [];
  return laidOut(body)
    .split('\n')
    .flatMap((line) => {
      if (line.length <= LONGEST) return [line];
      const characters = Array.from(line);
      const parts: string[] = [];
      for (let at = 0; at < characters.length; at += LONGEST)
        parts.push(characters.slice(at, at + LONGEST).join(''));
      return parts;
    });
}

function laidOut(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

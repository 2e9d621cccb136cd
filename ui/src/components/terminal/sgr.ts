/** The output of a command as lines of styled runs. Of escape sequences only colours and weight are kept. */

export interface Run {
  text: string;
  /** The name of a colour token, without its dashes. */
  colour?: string;
  bold?: boolean;
}

const COLOURS = ['ink-2', 'del', 'add', 'warn', 'info', 'code-number', 'info', 'ink'];

// CSI, then strings (OSC, DCS, SOS, PM, APC) with their end or what is left of them, then short escapes.
const ESCAPE =
  /(?:\u001b\[|\u009b)([0-?]*)[ -/]*([@-~])|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)|\u001b[ -/]*[0-~]?/g;

interface Style {
  colour?: string;
  bold?: boolean;
}

/** The lines of an output. A carriage return writes over the line, as progress bars want it. */
export function linesOf(output: string): Run[][] {
  let style: Style = {};
  return output
    .replace(/\r+\n/g, '\n')
    .split('\n')
    .map((line) => {
      const cells: { char: string; style: Style }[] = [];
      let at = 0;
      const write = (text: string) => {
        for (const char of text) {
          if (char === '\r') at = 0;
          else if (char === '\b') at = Math.max(0, at - 1);
          else cells[at++] = { char, style };
        }
      };
      let from = 0;
      for (const match of line.matchAll(ESCAPE)) {
        write(line.slice(from, match.index));
        from = match.index + match[0].length;
        if (match[2] === 'm') style = after(style, match[1] ?? '');
        else if (match[2] === 'K' && !/[12]/.test(match[1] ?? '')) cells.length = Math.min(cells.length, at);
      }
      write(line.slice(from));
      const runs: Run[] = [];
      let last: Style | undefined;
      for (const cell of cells) {
        const run = runs.at(-1);
        if (run && last === cell.style) run.text += cell.char;
        else runs.push({ text: cell.char, ...cell.style });
        last = cell.style;
      }
      return runs;
    });
}

function after(style: Style, parameters: string): Style {
  let next = { ...style };
  const codes = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 22) delete next.bold;
    else if (code === 39) delete next.colour;
    else if (code >= 30 && code <= 37) next.colour = COLOURS[code - 30];
    else if (code >= 90 && code <= 97) next.colour = COLOURS[code - 90];
    else if (code === 38 || code === 48) {
      const colour = codes[at + 1] === 5 ? indexed(codes[at + 2] ?? 0) : nearest(codes.slice(at + 2, at + 5));
      at += codes[at + 1] === 5 ? 2 : 4;
      if (code === 38) next.colour = colour;
    }
  }
  return next;
}

function indexed(n: number): string | undefined {
  if (n < 16) return COLOURS[n % 8];
  if (n > 231) return 'ink-2';
  const level = (part: number) => (part % 6) * 51;
  return nearest([level(Math.floor((n - 16) / 36)), level(Math.floor((n - 16) / 6)), level(n - 16)]);
}

/** The legible token of about this hue. */
function nearest([r = 0, g = 0, b = 0]: number[]): string | undefined {
  const most = Math.max(r, g, b);
  if (most - Math.min(r, g, b) < 40) return 'ink-2';
  const bits = [r, g, b].map((part) => (part > most * 0.6 ? 1 : 0));
  return COLOURS[(bits[0] ?? 0) + 2 * (bits[1] ?? 0) + 4 * (bits[2] ?? 0)];
}

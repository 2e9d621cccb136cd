/** The colours and the weight that a command asks for, as tokens that are legible in both themes. */

export interface Style {
  /** The name of a colour token, without its dashes. */
  colour?: string;
  bold?: boolean;
}

const COLOURS = ['ink-2', 'del', 'add', 'warn', 'info', 'code-number', 'info', 'ink'];

/** The style after an SGR sequence with these parameters. */
export function after(style: Style, parameters: string): Style {
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

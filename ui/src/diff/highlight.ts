/** Colours of a piece of code that is no diff: the same library and the same colours as in the review. */

import { loadPainter, type Part } from './paint';

const ENDINGS: Record<string, string> = {
  bash: 'sh',
  shell: 'sh',
  console: 'sh',
  javascript: 'js',
  typescript: 'ts',
  python: 'py',
  rust: 'rs',
  ruby: 'rb',
  markdown: 'md',
  yaml: 'yml',
  csharp: 'cs',
  kotlin: 'kt',
  'c++': 'cpp',
  golang: 'go',
};

/** The parts of lines of a file. Rejects when the library cannot read its language. */
export async function highlightLines(path: string, lines: string[]): Promise<Part[][]> {
  const paint = await loadPainter();
  return paint(
    path,
    lines.map((text, at) => ({ kind: 'context', old: at + 1, new: at + 1, text })),
  );
}

/** The parts of each line. Rejects when the library cannot read the language: the code is then shown plain. */
export async function highlight(code: string, language: string): Promise<Part[][]> {
  const name = language.toLowerCase();
  return await highlightLines(`code.${ENDINGS[name] ?? name}`, code.split('\n'));
}

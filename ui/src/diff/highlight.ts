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

/** The parts of each line. Rejects when the library cannot read the language: the code is then shown plain. */
export async function highlight(code: string, language: string): Promise<Part[][]> {
  const paint = await loadPainter();
  const name = language.toLowerCase();
  return paint(
    `code.${ENDINGS[name] ?? name}`,
    code.split('\n').map((text, at) => ({ kind: 'context', old: at + 1, new: at + 1, text })),
  );
}

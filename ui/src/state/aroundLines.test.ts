import { expect, test } from 'vitest';
import { fakeBackend } from '../backend/fake';
import type { FileOutline } from '../protocol/FileOutline';
import type { ReadAround } from '../protocol/ReadAround';
import { askedFor } from '../testing';
import { AROUND, AroundLines } from './aroundLines.svelte';

const file = (content = 1): FileOutline => ({
  path: 'a.txt',
  status: 'modified',
  revision: 1,
  content,
  lines: 450,
  hunks: [],
});

/** An engine with a file of 450 lines that sends at most so many at once, as long as the content is the first. */
function engine(most = Infinity) {
  const told: string[] = [];
  const backend = fakeBackend({
    'review/around': ({ content, first, count }: ReadAround) => {
      if (content !== 1) return { lines: [], stale: true };
      const length = Math.max(0, Math.min(count, most, 451 - first));
      const lines = Array.from({ length }, (_, at) => {
        const number = first + at;
        return { kind: 'context' as const, old: number, new: number, text: `line ${number}` };
      });
      return { lines, stale: false };
    },
  });
  const around = new AroundLines(
    backend,
    'id',
    { type: 'task' },
    () => told.push('stale'),
    (thrown) => told.push(String(thrown)),
  );
  const asked = () => askedFor(backend, 'review/around').map((params) => (params as ReadAround).first);
  const text = (number: number) => {
    const read = around.see(file(), number);
    return read?.lines[read.at]?.text;
  };
  return { backend, around, told, asked, text };
}

test('lines around are read in stretches when they are seen, once', async () => {
  const { asked, text } = engine();
  expect(text(7)).toBeUndefined();
  await expect.poll(() => text(7)).toBe('line 7');
  expect(text(AROUND)).toBe(`line ${AROUND}`);
  expect(asked()).toEqual([1]);
  expect(text(450)).toBeUndefined();
  await expect.poll(() => text(450)).toBe('line 450');
  // The last stretch is asked for until the file ends.
  expect(asked()).toEqual([1, 401, 451]);
});

test('a stretch that comes in parts is put together', async () => {
  const { asked, text } = engine(80);
  text(1);
  await expect.poll(() => text(AROUND)).toBe(`line ${AROUND}`);
  expect(asked()).toEqual([1, 81, 161]);
});

test('what was scrolled past is not read, and what was seen last comes first', async () => {
  const { asked, around } = engine();
  for (let number = 1; number <= 20 * AROUND; number += AROUND) around.see(file(), number);
  await expect.poll(() => asked().length).toBe(8);
  expect(asked()[0]).toBe(19 * AROUND + 1);
});

test('lines of a file that is no longer so make the outline be read, and nothing is asked on', async () => {
  const { asked, around, told } = engine();
  around.see(file(2), 1);
  around.see(file(2), 300);
  await expect.poll(() => told).toEqual(['stale']);
  expect(asked()).toHaveLength(1);
});

test('a failure is told', async () => {
  const { backend, around, told } = engine();
  backend.request = () => Promise.reject(new Error('the engine is gone'));
  around.see(file(), 1);
  await expect.poll(() => told).toEqual(['Error: the engine is gone']);
});

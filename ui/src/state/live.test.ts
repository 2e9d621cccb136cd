import { expect, test } from 'vitest';
import { Live } from './live.svelte';

const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** A question whose answers come when the test says so. */
function staged() {
  const asked: string[] = [];
  const answers: ((answer: string | Error) => void)[] = [];
  const live = new Live(
    (query: string) =>
      new Promise<string>((resolve, reject) => {
        asked.push(query);
        answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
      }),
  );
  return { live, asked, answers };
}

test('what is typed within a frame is asked once', async () => {
  const { live, asked } = staged();
  live.ask('a');
  live.ask('ab');
  live.ask('abc');
  expect(asked).toEqual([]);
  await frame();
  expect(asked).toEqual(['abc']);
  expect(live.waiting).toBe(true);
});

test('an answer that was overtaken is dropped, whether it comes before or after the new one', async () => {
  const { live, answers } = staged();
  for (const query of ['a', 'ab', 'abc']) {
    live.ask(query);
    await frame();
  }
  answers[0]?.('of a');
  await frame();
  expect(live.answer).toBeNull();
  answers[2]?.('of abc');
  await live.settled();
  answers[1]?.(new Error('of ab'));
  await frame();
  expect([live.answer, live.failure, live.answered, live.waiting]).toEqual(['of abc', null, 'abc', false]);
});

test('the last answer stays until the next, and goes with a failure', async () => {
  const { live, answers } = staged();
  live.ask('a');
  await frame();
  answers[0]?.('one');
  await live.settled();
  live.ask('b');
  await frame();
  expect([live.answer, live.waiting]).toEqual(['one', true]);
  answers[1]?.(new Error('broken'));
  await live.settled();
  expect([live.answer, live.failure?.message]).toEqual([null, 'broken']);
});

test('nothing sought forgets what was found, and is waited for by nobody', async () => {
  const { live, asked, answers } = staged();
  live.ask('a');
  await frame();
  const settled = live.settled();
  live.ask(null);
  await settled;
  answers[0]?.('late');
  await frame();
  expect([live.answer, live.answered, live.waiting]).toEqual([null, null, false]);
  live.ask('b');
  live.ask(null);
  await frame();
  expect(asked).toEqual(['a']);
});

import { page, userEvent } from 'vitest/browser';
import { beforeEach, expect, test } from 'vitest';
import { overlaps } from '../../overlaps';
import type { Item } from '../../protocol/Item';
import { askedFor, checkAxe, session } from '../../testing';
import { asks, base, edited, ID, ran, said, told, view } from './staged';

beforeEach(async () => {
  await page.viewport(700, 800);
});

test('shows each kind of entry, and is accessible in both themes', async () => {
  const screen = await view([
    said('u1', 'Refunds under 1 cent come out as 1 cent too much. Find out why.'),
    { ...base, id: 'r1', type: 'reasoning', text: 'hm' },
    { ...edited, id: 'c0', tool: 'grep', title: 'Search for round', changes: [] } as Item,
    told(
      'm1',
      'The cause is in `money.rs:41`: see [docs](https://example.com/a).\n\n```rust\nfn x() -> u32 { 1 }\n```',
    ),
    {
      ...base,
      id: 'p1',
      type: 'plan',
      steps: [
        { step: 'Reproduce', status: 'completed' },
        { step: 'Mend `<b>split</b>`', status: 'pending' },
      ],
    },
    ran,
    edited,
    asks,
  ]);
  await expect.element(screen.getByText('Searched for round')).toBeVisible();
  await expect.element(screen.getByText('sandboxed · network: off · 4.1 s')).toBeVisible();
  await expect.element(screen.getByText('<b>split</b>')).toHaveProperty('tagName', 'CODE');
  await expect.element(screen.getByText('rm -rf ‹U+202E›target')).toBeInTheDocument();
  await checkAxe(screen.container);
});

test('of a command the end of its output is shown, and its facts stand whole in one line', async () => {
  const failed = {
    ...ran,
    arguments: { command: `cargo test ${'--package money '.repeat(20)}` },
    output: Array.from({ length: 100 }, (_, at) => `line ${at}.`).join('\n'),
    exit: { code: 101, timed_out: false, isolation: { level: 'full' } },
  } as Item;
  const screen = await view([failed]);
  await expect.element(screen.getByRole('group', { name: 'Output' })).toBeVisible();
  const output = screen.getByRole('group', { name: 'Output' }).element();
  expect(output.scrollTop + output.clientHeight).toBeGreaterThan(output.scrollHeight - 2);
  await expect.element(screen.getByText('line 99.')).toBeVisible();
  const facts = screen.getByText('sandboxed · network: off · failed with exit code 101 · 4.1 s').element();
  expect(facts.getBoundingClientRect().height).toBeLessThan(20);
  for (const part of [facts, ...facts.children])
    expect(part.scrollWidth).toBeLessThanOrEqual(part.clientWidth);
});

test.each([
  [
    'failed',
    'Read src/lost.rs',
    `\nthere is no file \u202esrc/lost.rs, ${'a long word '.repeat(40)}\nfurther on`,
  ],
  ['denied', `Edit ${'a/long/path/'.repeat(20)}f.rs`, 'The user refused this: leave it\nfurther on'],
] as const)(
  'why a call %s is told in its line, and all of it when it is unfolded',
  async (status, title, output) => {
    const call = { ...edited, status, title, output, changes: [], duration_ms: 3 };
    const screen = await view([call as Item]);
    const row = screen.getByRole('button', { name: new RegExp(`^${title}`) });
    await expect
      .element(row)
      .toHaveTextContent(status === 'failed' ? 'no file ‹U+202E›src' : 'refused this: leave it');
    await expect.element(row).toHaveTextContent(`${status} · 3 ms`);
    await expect.element(row).not.toHaveTextContent('further on');
    // One line, from which no other entry or fact is pushed away.
    expect(row.element().getBoundingClientRect().height).toBeLessThan(26);
    const facts = screen.getByText(`${status} · 3 ms`).element();
    expect(facts.scrollWidth).toBeLessThanOrEqual(facts.clientWidth);
    expect(row.element().scrollWidth).toBeLessThanOrEqual(row.element().clientWidth);
    // The reason gives way before the title does.
    if (status === 'failed') {
      const titled = screen.getByText(title).element();
      expect(titled.scrollWidth).toBeLessThanOrEqual(titled.clientWidth);
    }
    expect(overlaps(screen.container)).toEqual([]);
    await checkAxe(screen.container);
    await row.click();
    await expect.element(screen.getByRole('group', { name: 'Output' })).toHaveTextContent('further on');
    await expect.element(row).not.toHaveTextContent(status === 'failed' ? 'no file' : 'refused');
  },
);

test('a command that ran has its end in its line, and none of what it said', async () => {
  const exit = { code: 101, timed_out: false, isolation: { level: 'full' } };
  const screen = await view([{ ...ran, status: 'failed', output: 'running 18 tests', exit } as Item]);
  const row = screen.getByRole('button', { name: /^cargo test/ });
  await row.click();
  await expect.element(row).toHaveAttribute('aria-expanded', 'false');
  await expect.element(row).toHaveTextContent('failed with exit code 101');
  await expect.element(row).not.toHaveTextContent('running 18 tests');
});

// What the model is told of a command, how it ended, and what is shown as its output.
test.each([
  ['exit code 101 after 4.1 s\nerror: no', 101, false, 'error: no'],
  ['exit code 0 after 0.0 s\nexit code 0 after 1.0 s\n', 0, false, 'exit code 0 after 1.0 s'],
  ['stopped: it ran out of time after 60.0 s\nhalf', null, true, 'half'],
  ['ended by signal 9 after 1.0 s\nhalf', null, false, 'ended by signal 9 after 1.0 s'],
])('how a command ended is said once: %j', async (output, code, timed_out, shown) => {
  const exit = { code, timed_out, isolation: { level: 'full' } };
  const screen = await view([{ ...ran, output, exit } as Item]);
  const text = () => screen.getByRole('group', { name: 'Output' }).element().textContent.trim();
  await expect.poll(text).toMatch(new RegExp(`^${shown}`));
  expect(text().match(/after/g) ?? []).toHaveLength(shown.includes('after') ? 1 : 0);
});

test('a thousand entries mount a bounded number of nodes', async () => {
  const screen = await view(Array.from({ length: 1000 }, (_, at) => told(`m${at}`, `message ${at}`)));
  await expect.element(screen.getByText('message 999')).toBeVisible();
  expect(screen.container.querySelectorAll('*').length).toBeLessThan(600);
});

test('an approval has no focus on Allow, and a key that was on its way answers nothing', async () => {
  const screen = await view([said('u1', 'do it'), asks]);
  const allow = screen.getByRole('button', { name: 'Allow once' });
  await expect.element(allow).toBeVisible();
  await expect.element(allow).not.toHaveFocus();
  await userEvent.keyboard('y{Enter}a');
  expect(askedFor(screen.backend, 'session/answer')).toEqual([]);
  await screen.getByLabelText('Why not, or what to do instead').fill('use cargo clean');
  await screen.getByRole('button', { name: 'Deny' }).click();
  expect(askedFor(screen.backend, 'session/answer')).toEqual([
    { session_id: ID, question_id: 'q1', answer: { type: 'deny', reason: 'use cargo clean' } },
  ]);
});

test('finished entries do not render again while a message grows', async () => {
  const screen = await view([
    said('u1', 'go'),
    told('m0', 'finished'),
    { ...told('m1', ''), status: 'running' },
  ]);
  await expect.element(screen.getByText('finished')).toBeVisible();
  const finished = screen.getByText('finished').element();
  let renders = 0;
  const observer = new MutationObserver((seen) => (renders += seen.length));
  observer.observe(finished, { subtree: true, childList: true, characterData: true, attributes: true });
  for (let seq = 1; seq <= 2000; seq += 1)
    screen.kerf.task?.conversation.apply({
      session_id: ID,
      seq,
      type: 'item.updated',
      item_id: 'm1',
      delta: seq < 2000 ? '.' : ' end',
    });
  await expect.element(screen.getByText(/end$/)).toBeInTheDocument();
  observer.disconnect();
  expect(renders).toBe(0);
  expect(finished.isConnected).toBe(true);
});

test('Enter sends, Shift+Enter does not; while it runs Enter queues and Escape stops', async () => {
  const screen = await view([said('u1', 'go')], true);
  const field = screen.getByRole('textbox', { name: 'Message' });
  await field.click();
  await userEvent.keyboard('one{Shift>}{Enter}{/Shift}two{Enter}');
  await expect.element(screen.getByText('queued: one two')).toBeVisible();
  expect(askedFor(screen.backend, 'session/prompt')).toMatchObject([
    { text: 'one\ntwo', when_running: 'queue' },
  ]);
  await userEvent.keyboard('now{Control>}{Enter}{/Control}');
  await expect
    .poll(() => askedFor(screen.backend, 'session/prompt')[1])
    .toMatchObject({ text: 'now', when_running: 'interrupt' });
  await userEvent.keyboard('{Escape}');
  await expect.poll(() => askedFor(screen.backend, 'session/cancel')).toHaveLength(1);
});

test('@ completes a file', async () => {
  const screen = await view([said('u1', 'go')]);
  const field = screen.getByRole('textbox', { name: 'Message' });
  await field.fill('look at @mon');
  await expect.element(screen.getByRole('option', { name: 'src/money.rs', exact: true })).toBeVisible();
  await userEvent.keyboard('{Enter}');
  await expect.element(field).toHaveValue('look at src/money.rs ');
});

test('a link asks before it is opened, and a changed file goes to the review', async () => {
  const screen = await view([told('m1', '[docs](https://example.com/a)'), edited]);
  await screen.getByRole('link', { name: 'docs' }).click();
  expect(screen.backend.done).toEqual([]);
  await screen.getByRole('button', { name: 'Open' }).click();
  await expect.poll(() => screen.backend.done).toEqual([['openLink', 'https://example.com/a']]);
  await screen.getByRole('button', { name: 'Review src/money.rs' }).click();
  expect(screen.kerf.task?.review.current).toEqual({ path: 'src/money.rs', hunk: 1 });
});

test('a turn is jumped to, and the ring tells what fills the context', async () => {
  const screen = await view([said('u1', 'Refunds are wrong'), told('m1', 'They are.')]);
  await expect.element(screen.getByText('They are.')).toBeVisible();
  await screen.getByRole('button', { name: 'Context: 31% full' }).click();
  await expect.element(page.getByRole('dialog', { name: 'Context, 31% full' })).toBeVisible();
  await expect.element(page.getByText('Kerf, estimated')).toBeVisible();
  await userEvent.keyboard('{Escape}');
  await expect.element(page.getByRole('dialog')).not.toBeInTheDocument();
  screen.actions.run('task.jumpToTurn');
  await expect.element(page.getByRole('option', { name: /1 Refunds are wrong/ })).toBeVisible();
  await checkAxe();
  await userEvent.keyboard('{Enter}');
  await expect.element(page.getByRole('dialog')).not.toBeInTheDocument();
});

test('a model of a configured endpoint is asked for and chosen; a failure is shown in its place', async () => {
  let works = false;
  const screen = await view([said('u1', 'go')], false, {
    'endpoint/models': () => {
      if (!works) throw new Error('connection refused');
      return [{ id: 'big', context_window: 1000 }];
    },
    'session/configure': () => session({ id: ID }),
  });
  screen.kerf.endpoints.configured = [session().endpoint];
  const open = async () => {
    await screen.getByRole('button', { name: /^Model:/ }).click();
    await page.getByRole('option', { name: /^ollama/ }).click();
  };
  await open();
  await expect.element(page.getByText('connection refused')).toBeVisible();
  await userEvent.keyboard('{Escape}');
  works = true;
  await open();
  await page.getByRole('option', { name: /^big/ }).click();
  expect(askedFor(screen.backend, 'session/configure')).toEqual([
    { session_id: ID, endpoint: 'ollama', model: 'big', policy: null },
  ]);
});

import { page } from 'vitest/browser';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Item } from '../../protocol/Item';
import type { TurnState } from '../../protocol/TurnState';
import { askedFor, checkAxe, session } from '../../testing';
import { draftOf } from '../../state/drafts.svelte';
import { asks, base, edited, ID, ran, said, told, view } from './staged';

beforeEach(async () => {
  await page.viewport(700, 800);
  Object.assign(draftOf(ID), { text: '', images: [] });
});

const PICTURE = { media_type: 'image/png', data: 'iVBORw0KGgo=' };

test('a turn that fails says why, and its message is put back before what was written since', async () => {
  const screen = await view([{ ...said('u1', 'mend it'), images: [PICTURE] } as never], true);
  const field = screen.getByRole('textbox', { name: 'Message' });
  await field.fill('and then');
  screen.kerf.task?.conversation.apply({
    session_id: ID,
    seq: 1,
    type: 'turn.failed',
    turn_id: 'turn-1',
    usage: session().usage,
    error: { code: 'unreachable', message: 'no answer\u202e', hint: 'Look whether the server runs' },
  });
  await expect.element(screen.getByRole('alert')).toHaveTextContent('no answer‹U+202E›');
  await expect.element(screen.getByText('Look whether the server runs')).toBeVisible();
  await checkAxe(screen.container);
  const again = screen.getByRole('button', { name: 'Try again' });
  await again.click();
  await again.click();
  await expect.element(field).toHaveValue('mend it\n\nand then');
  await expect.element(field).toHaveFocus();
  expect(draftOf(ID).images).toEqual([PICTURE]);
});

test('the comments of a message that is tried again go with the next one, each once', async () => {
  const comment = { path: 'a.rs', first_line: 4, last_line: 5, excerpt: 'x', text: 'Why?' };
  const message = { ...said('u1', 'mend it'), comments: [comment] } as Item;
  const screen = await view([message], false, { 'review/comment': () => ({}) }, 'failed');
  const again = screen.getByRole('button', { name: 'Try again' });
  await again.click();
  await again.click();
  await expect.element(screen.getByText('1 comment goes with this message')).toBeVisible();
  expect(askedFor(screen.backend, 'review/comment')).toEqual([{ session_id: ID, comment }]);
});

test('a failure that stands in the conversation is not told a second time', async () => {
  const failure = { code: 'unreachable', message: 'no answer', hint: '' } as const;
  const screen = await view([said('u1', 'mend it')], true);
  const { conversation } = screen.kerf.task ?? {};
  const event = { session_id: ID, turn_id: 'turn-1' };
  const item: Item = { ...base, id: 'e1', status: 'failed', type: 'error', failure };
  conversation?.apply({ ...event, seq: 1, type: 'item.completed', item });
  conversation?.apply({ ...event, seq: 2, type: 'turn.failed', usage: session().usage, error: failure });
  await expect.element(screen.getByRole('button', { name: 'Try again' })).toBeVisible();
  await expect.element(screen.getByText('no answer')).toBeVisible();
  expect(screen.getByText('no answer').elements()).toHaveLength(1);
});

test.each<[TurnState, string]>([
  ['failed', 'failed'],
  ['cancelled', 'stopped by you'],
  ['interrupted', 'interrupted: Kerf stopped in the middle'],
])(
  'a turn that %s is told, also after the task is opened again, and can be tried again',
  async (state, words) => {
    const screen = await view([said('u1', 'mend it'), told('m1', 'I will')], false, {}, state);
    await expect.element(screen.getByText(`Last turn ${words}`)).toBeVisible();
    await checkAxe(screen.container);
    await screen.getByRole('button', { name: 'Try again' }).click();
    await expect.element(screen.getByRole('textbox', { name: 'Message' })).toHaveValue('mend it');
  },
);

test('nothing is tried again while a question waits, or after a turn that came to its end', async () => {
  let screen = await view([said('u1', 'mend it'), asks], false, {}, 'interrupted');
  await expect.element(screen.getByRole('button', { name: 'Allow once' })).toBeVisible();
  await expect.element(screen.getByRole('button', { name: 'Try again' })).not.toBeInTheDocument();
  await screen.unmount();
  screen = await view([said('u1', 'mend it'), told('m1', 'It is mended.')]);
  await expect.element(screen.getByText('It is mended.')).toBeVisible();
  await expect.element(screen.getByRole('button', { name: 'Try again' })).not.toBeInTheDocument();
});

test('of a long output the end is shown, and all of it on request', async () => {
  const output = Array.from({ length: 3000 }, (_, at) => `line ${at}.`).join('\n');
  const screen = await view([{ ...ran, output }]);
  await expect.element(screen.getByText('The last 400 of 3,000 lines')).toBeVisible();
  await expect.element(screen.getByText('line 2999.')).toBeInTheDocument();
  await expect.element(screen.getByText('line 2599.')).not.toBeInTheDocument();
  await screen.getByRole('button', { name: 'Show all' }).click();
  await expect.element(screen.getByText('line 0.', { exact: true })).toBeVisible();
  expect(screen.container.querySelectorAll('*').length).toBeLessThan(600);
  await checkAxe(screen.container);
});

const LONG: [string, (at: number) => string, string][] = [
  ['paragraphs', (at) => `Paragraph ${at} has **words** in it.\n\n`, ''],
  ['a list', (at) => `- item ${at}\n`, ''],
  ['code', (at) => `let x${at} = ${at};\n`, '```rust\n'],
];
const MILLIONS = 2_000_000;

test.each(LONG)('a finished message of 2 MB of %s is mounted where it is seen', async (_, part, before) => {
  let text = before;
  for (let at = 0; text.length < MILLIONS; at += 1) text += part(at);
  if (before) text += '```\n';
  const screen = await view([said('u1', 'go'), told('m1', `first words\n\n${text}\nlast words`)]);
  await expect.element(screen.getByText('last words')).toBeVisible();
  expect(screen.container.querySelectorAll('*').length).toBeLessThan(6000);
  screen.actions.run('task.jumpToTurn');
  await page.getByRole('option', { name: /1 go/ }).click();
  await expect.element(screen.getByText('first words')).toBeVisible();
  await expect.element(screen.getByText('last words')).not.toBeInTheDocument();
  expect(screen.container.querySelectorAll('*').length).toBeLessThan(6000);
});

const LENGTHY: [string, Item, string][] = [
  ['message', said('u1', ''), ''],
  ['reasoning', { ...base, id: 'r1', type: 'reasoning', text: '' }, 'Thought'],
  [
    'summary',
    { ...base, id: 's1', type: 'summary', up_to: 'x', text: '' },
    'Summary of what was said before',
  ],
];

test.each(LENGTHY)(
  'of a %s of 2 MB the start is shown, and all of it where it is seen',
  async (_, item, opens) => {
    const text = Array.from({ length: 100_000 }, (_, at) => `line ${at} of it all`).join('\n');
    const screen = await view([{ ...item, text } as Item]);
    if (opens) await screen.getByRole('button', { name: opens }).click();
    await expect.element(screen.getByText(/^line 0 of it all/)).toBeInTheDocument();
    expect(screen.container.textContent.length).toBeLessThan(12_000);
    await screen.getByRole('button', { name: 'Show all' }).click();
    const box = screen.getByRole('group', { name: opens || 'Your message' });
    await expect.element(box).toBeVisible();
    await expect.poll(() => box.element().scrollHeight).toBeGreaterThan(100_000);
    box.element().scrollTop = box.element().scrollHeight;
    await expect.element(screen.getByText(/line 99999 of it all$/)).toBeInTheDocument();
    expect(screen.container.textContent.length).toBeLessThan(40_000);
    await checkAxe(screen.container);
  },
);

test('what was concealed, and what was sent though it looks like a secret, stands at its call', async () => {
  const doubtful = [
    { rule: 'generic-api-key', line: 12 },
    { rule: 'curl-auth-user', line: 40 },
  ];
  const screen = await view([
    { ...ran, secrets: { concealed: 2, doubtful } },
    { ...edited, secrets: { concealed: 1, doubtful: [] } },
  ]);
  await expect
    .element(
      screen.getByText('2 secrets replaced by placeholders before sending; line 12 looks like a secret'),
    )
    .toHaveTextContent('and was sent as it stands (generic-api-key), and 1 more');
  await expect
    .element(screen.getByText('1 secret replaced by placeholders before sending', { exact: true }))
    .toBeVisible();
  await checkAxe(screen.container);
});

test('of long arguments a part is shown', async () => {
  const screen = await view([{ ...edited, arguments: { content: 'long words '.repeat(200_000) } } as Item]);
  await screen.getByRole('button', { name: /^Edited/ }).click();
  await expect.element(screen.getByRole('button', { name: 'Show all' })).toBeVisible();
  expect(screen.container.textContent.length).toBeLessThan(12_000);
});

test('of many changed files a few are named, and all on request', async () => {
  const of = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ path: `src/file-${at}.rs`, kind: 'modified' as const }));
  let screen = await view([{ ...ran, changes: of(9) }]);
  await expect.element(screen.getByText('src/file-8.rs')).toBeVisible();
  await screen.unmount();
  screen = await view([{ ...ran, changes: of(500) }]);
  await expect.element(screen.getByText('src/file-7.rs')).toBeVisible();
  await expect.element(screen.getByText('src/file-8.rs')).not.toBeInTheDocument();
  await screen.getByRole('button', { name: 'and 492 more files' }).click();
  const box = screen.getByRole('group', { name: 'Changed files' });
  await expect.element(box.getByText('src/file-8.rs')).toBeInTheDocument();
  // They are mounted where they are seen.
  expect(box.element().querySelectorAll('button').length).toBeLessThan(60);
  await expect.poll(() => box.element().scrollHeight).toBeGreaterThan(5000);
  box.element().scrollTop = box.element().scrollHeight;
  await expect.element(box.getByText('src/file-499.rs')).toBeVisible();
  await checkAxe(screen.container);
  await screen.getByRole('button', { name: 'Show fewer' }).click();
  await expect.element(screen.getByText('src/file-499.rs')).not.toBeInTheDocument();
});

test('what was opened is open again after it was scrolled away', async () => {
  const screen = await view([
    { ...base, id: 'r1', type: 'reasoning', text: 'first thought' },
    ...Array.from({ length: 100 }, (_, at) => told(`m${at}`, `message ${at}.`)),
  ]);
  await expect.element(screen.getByText('message 99.')).toBeVisible();
  screen.actions.run('task.previousTurn');
  await screen.getByRole('button', { name: 'Thought' }).click();
  await expect.element(screen.getByText('first thought')).toBeVisible();
  screen.actions.run('task.nextTurn');
  await expect.element(screen.getByText('first thought')).not.toBeInTheDocument();
  screen.actions.run('task.previousTurn');
  await expect.element(screen.getByText('first thought')).toBeVisible();
});

test('a call that is sought is brought into view, opened and marked, wherever it stands', async () => {
  const items = Array.from({ length: 200 }, (_, at) => ({
    ...ran,
    id: `c${at}`,
    arguments: { command: `cargo test number-${at}` },
  }));
  const screen = await view(items);
  const conversation = screen.kerf.task!.conversation;
  for (const at of [5, 150]) {
    expect(screen.kerf.seek(`c${at}`)).toBe(true);
    const sought = () => screen.container.querySelector('.sought');
    await expect.poll(() => sought()?.textContent).toContain(`cargo test number-${at}`);
    await expect.element(sought() as HTMLElement).toBeInViewport();
    expect(screen.container.querySelectorAll('.sought')).toHaveLength(1);
  }
  await checkAxe(screen.container);
  const { sought } = conversation;
  expect(screen.kerf.seek('gone')).toBe(false);
  expect(conversation.sought).toBe(sought);
});

test('reasoning that is opened while it grows is followed at its end', async () => {
  const text = Array.from({ length: 5000 }, (_, at) => `thought ${at}.`).join('\n');
  const screen = await view([{ ...base, id: 'r1', type: 'reasoning', status: 'running', text }], true);
  await screen.getByRole('button', { name: /^Thinking/ }).click();
  await expect.element(screen.getByText(/thought 4999\.$/)).toBeInTheDocument();
  expect(screen.container.textContent.length).toBeLessThan(12_000);
});

test('of a code block that is shown in parts all is copied', async () => {
  const code = Array.from({ length: 6000 }, (_, at) => `let x${at} = ${at};`).join('\n');
  const copied = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
  try {
    const screen = await view([said('u1', 'go'), told('m1', `\`\`\`rust\n${code}\n\`\`\`\n\nlast words`)]);
    await expect.element(screen.getByText('last words')).toBeVisible();
    await screen.getByRole('button', { name: 'Copy all' }).last().click();
    await expect.element(screen.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect(copied.mock.calls[0]?.[0] === code).toBe(true);
  } finally {
    vi.restoreAllMocks();
  }
});

test('a message that grows to 2 MB is followed, and never mounted whole', async () => {
  const screen = await view([said('u1', 'go'), { ...told('m1', ''), status: 'running' }], true);
  const piece = Array.from({ length: 100 }, (_, at) => `Paragraph ${at} has **words** in it.\n\n`).join('');
  let length = 0;
  for (let seq = 1; length < MILLIONS; seq += 1) {
    const delta = `${piece}part ${seq}.\n\n`;
    length += delta.length;
    screen.kerf.task?.conversation.apply({
      session_id: ID,
      seq,
      type: 'item.updated',
      item_id: 'm1',
      delta,
    });
    if (seq % 100 > 0) continue;
    await expect.element(screen.getByText(`part ${seq}.`)).toBeVisible();
    expect(screen.container.querySelectorAll('*').length).toBeLessThan(6000);
  }
});

const HOST = 'evil.invalid';
const HOSTILE = [
  `![pixel](https://${HOST}/pixel.png) ![p][1]\n\n[1]: https://${HOST}/ref.png`,
  `<img src="https://${HOST}/raw.png" srcset="//${HOST}/set.png 2x"> <script src=//${HOST}/x.js></script>`,
  `<link rel=stylesheet href=//${HOST}/x.css><link rel=preload as=image href=//${HOST}/x.png>`,
  `<style>@import url(//${HOST}/y.css); p { background: url(//${HOST}/z.png) }</style>`,
  `<p style="background:url(//${HOST}/inline.png)">x</p><video poster=//${HOST}/v.png src=//${HOST}/v.mp4>`,
  `<iframe src="https://${HOST}"></iframe><object data=//${HOST}/o></object><embed src=//${HOST}/e>`,
  `<svg><image href="//${HOST}/svg.png"/><use href="//${HOST}/u.svg#a"/></svg><math><mtext><img src=//${HOST}/m>`,
  `<meta http-equiv=refresh content="0;url=//${HOST}/"><base href="//${HOST}/"><a ping=//${HOST} href=//${HOST}>`,
  `[a](https://${HOST}/a) <https://${HOST}/b> https://${HOST}/c [x](javascript:fetch('//${HOST}'))`,
  `| ![t](//${HOST}/t.png) |\n| - |\n| <img src=//${HOST}/td.png> |`,
  `> - # ![n](https://${HOST}/nested.png)`,
  `\`\`\`html\n<img src="https://${HOST}/code.png">\n\`\`\``,
  `\u001b]8;;https://${HOST}\u0007link`,
];

/** What the page asked for that is not its own, `data:` aside. */
function foreign() {
  return performance
    .getEntriesByType('resource')
    .map(({ name }) => new URL(name))
    .filter(({ protocol, host }) => protocol !== 'data:' && host !== location.host)
    .map(({ href }) => href);
}

async function forced() {
  const image = document.createElement('img');
  const ended = new Promise((resolve) => (image.onerror = resolve));
  image.src = `https://${HOST}/control.png`;
  await ended;
}

test('hostile Markdown makes the page ask for nothing, finished or growing', async () => {
  // All of them are mounted.
  await page.viewport(700, 4000);
  // The page's own modules would fill the list.
  performance.clearResourceTimings();
  const fetched = vi.spyOn(window, 'fetch');
  const opened = vi.spyOn(XMLHttpRequest.prototype, 'open');
  const beacons = vi.spyOn(navigator, 'sendBeacon');
  const images = vi.spyOn(window, 'Image');
  try {
    const screen = await view([
      ...HOSTILE.map((text, at) => told(`m${at}`, `${text}\n\nshown ${at}.`)),
      { ...told('m', ''), status: 'running' },
    ]);
    for (const at of HOSTILE.keys())
      await expect.element(screen.getByText(`shown ${at}.`)).toBeInTheDocument();
    const growing = `${HOSTILE.join('\n\n')}\n\nshown whole.`;
    // In pieces that end anywhere: a picture half written must not be one either.
    for (let seq = 1; (seq - 1) * 7 < growing.length; seq += 1)
      screen.kerf.task?.conversation.apply({
        session_id: ID,
        seq,
        type: 'item.updated',
        item_id: 'm',
        delta: growing.slice((seq - 1) * 7, seq * 7),
      });
    await expect.element(screen.getByText('shown whole.')).toBeInTheDocument();
    const loads = 'script, style, link, img, svg, iframe, object, embed, video, meta, base, [href], [src]';
    expect(screen.getByRole('log').element().querySelectorAll(`.markdown :is(${loads})`)).toHaveLength(0);
    for (const spy of [fetched, opened, beacons, images])
      expect(spy.mock.calls.filter((call) => JSON.stringify(call).includes(HOST))).toEqual([]);
    expect(foreign()).toEqual([]);
    // The list does hold what is asked of another host, also when it does not answer.
    await forced();
    await expect.poll(foreign).toEqual([`https://${HOST}/control.png`]);
  } finally {
    vi.restoreAllMocks();
  }
});

test('a check that the user ran again is told to be theirs', async () => {
  const check = { ...ran, tool: 'check', title: 'Checked again: cargo test -p money refund' };
  // A call of a model's by that name ran nothing.
  const called = { ...edited, tool: 'check', title: 'check', exit: null };
  const screen = await view([check, called]);
  await expect.element(screen.getByText('sandboxed · network: off · your check · 4.1 s')).toBeVisible();
  await expect.element(screen.getByText('18 passed; 0 failed', { exact: false })).toBeVisible();
  expect(screen.container.querySelectorAll('.card').length).toBe(1);
});

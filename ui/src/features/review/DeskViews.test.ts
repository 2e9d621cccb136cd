import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, test } from 'vitest';
import { RequestError } from '../../backend/backend';
import { fakeBackend, type FakeBackend, type Handlers } from '../../backend/fake';
import type { Decide } from '../../protocol/Decide';
import type { EditHunk } from '../../protocol/EditHunk';
import type { Notebook } from '../../protocol/Notebook';
import type { Pictures } from '../../protocol/Pictures';
import type { ReviewFile } from '../../protocol/ReviewFile';
import { OpenTask } from '../../state/kerf.svelte';
import { askedFor, checkAxe, mountWith, session } from '../../testing';
import ReviewDesk from './ReviewDesk.svelte';
import { file, fix, hunk, overReview } from './sample';

const ID = 'session-v';
const MONEY = 'crates/money/src/money.rs';

/** An engine with a review that the test changes. */
function engine(files: ReviewFile[], more: Handlers = {}, texts: Record<string, string[]> = {}) {
  const now = { files };
  const decided = { session_id: ID, decision_id: 1, hunks: 1, written: [] };
  const backend = fakeBackend({
    ...overReview(() => now.files, texts),
    'review/decide': ({ target, decision }: Decide) => {
      const state = decision === 'accept' ? 'accepted' : 'rejected';
      now.files = now.files.map((file) => ({
        ...file,
        hunks: file.hunks.map((hunk) =>
          target.type === 'hunk' && target.path === file.path && target.hunk === hunk.hunk
            ? { ...hunk, state }
            : hunk,
        ),
      }));
      return decided;
    },
    'review/edit': ({ path, hunk: number, text }: EditHunk) => {
      now.files = now.files.map((file) => ({
        ...file,
        hunks: file.hunks.map((other) => {
          if (file.path !== path || other.hunk !== number) return other;
          const kept = other.lines.filter(({ kind }) => kind === 'removed').map(({ text }) => `-${text}`);
          const mine = text.split('\n').slice(0, -1);
          return hunk(number, [...kept, ...mine.map((line) => `+${line}`)], { id: 99, state: 'accepted' });
        }),
      }));
      return decided;
    },
    'settings/change': () => ({}),
    ...more,
  });
  return { now, backend };
}

async function desk(backend: FakeBackend) {
  return await mountWith(ReviewDesk, {
    backend,
    prepare: async (kerf) => {
      kerf.tasks.put(session({ id: ID }));
      kerf.task = new OpenTask(backend, ID);
      await kerf.task.review.load();
    },
  });
}

const edits = (backend: FakeBackend) =>
  askedFor(backend, 'review/edit').map((params) => {
    const { path, hunk, id, text } = params as EditHunk;
    return [path, hunk, id, text];
  });

beforeEach(async () => {
  await page.viewport(900, 800);
});

describe('a version of one’s own', () => {
  const SHARE = '        let share = div_half_even(total, parts as i64);\n';
  const REST = '        let rest = total - share * parts as i64;\n';

  test('is written where the lines stood, by a key, and accepted by another', async () => {
    const { backend } = engine(fix());
    const screen = await desk(backend);
    await expect.element(screen.getByText('impl Money › fn split')).toBeVisible();
    await userEvent.keyboard('e');
    const field = screen.getByRole('textbox', { name: `Your lines of ${MONEY}, from line 40` });
    await expect.element(field).toHaveFocus();
    await expect.element(field).toHaveValue(SHARE + REST);
    // What it takes the place of is gone from the screen, what it replaces is not.
    await expect.poll(() => screen.container.querySelectorAll('.is-added').length).toBeGreaterThan(0);
    const added = () => [...screen.container.querySelectorAll('.is-added')].map((line) => line.textContent);
    expect(added().some((line) => line.includes('div_half_even(total'))).toBe(false);
    await expect.element(screen.getByText('total.div_ceil', { exact: false })).toBeVisible();
    await checkAxe();
    await field.fill(`\tlet share = half(total);\n${REST}\n`);
    await userEvent.keyboard('{Control>}{Enter}{/Control}');
    await expect.poll(() => edits(backend)).toEqual([[MONEY, 1, 1, `\tlet share = half(total);\n${REST}\n`]]);
    await expect.element(screen.getByText('2 of 5 hunks accepted, 1 rejected, 2 to go')).toBeVisible();
    await expect.element(field).not.toBeInTheDocument();
    // The next that waits is the current one, and the keys are the desk's again.
    await expect
      .element(screen.getByRole('group', { name: `Hunk 2 of ${MONEY}` }))
      .toHaveAttribute('aria-current', 'true');
    await userEvent.keyboard('y');
    await expect.poll(() => askedFor(backend, 'review/decide').length).toBe(1);
  });

  test('is left by Escape, and asked about only when something was written', async () => {
    const { backend } = engine(fix());
    const screen = await desk(backend);
    const head = screen.getByRole('group', { name: `Hunk 1 of ${MONEY}` });
    await head.getByRole('button', { name: 'Edit', exact: true }).click();
    const field = screen.getByRole('textbox', { name: /Your lines/ });
    await expect.element(field).toHaveFocus();
    await userEvent.keyboard('{Escape}');
    await expect.element(field).not.toBeInTheDocument();
    await userEvent.keyboard('e');
    await expect.element(field).toHaveFocus();
    await userEvent.keyboard('x{Escape}');
    const question = screen
      .getByRole('alertdialog', { name: 'Discard your version?' })
      .or(screen.getByRole('dialog', { name: 'Discard your version?' }));
    await expect.element(question).toBeVisible();
    await checkAxe();
    await screen.getByRole('button', { name: 'Cancel' }).last().click();
    await expect.element(field).toHaveValue(`x${SHARE}${REST}`);
    await field.click();
    await userEvent.keyboard('{Escape}');
    await screen.getByRole('button', { name: 'Discard it' }).click();
    await expect.element(field).not.toBeInTheDocument();
    expect(edits(backend)).toEqual([]);
  });

  test('is kept when its hunk changes meanwhile, and cannot be accepted over that', async () => {
    const { now, backend } = engine(fix());
    const screen = await desk(backend);
    await userEvent.keyboard('e');
    const field = screen.getByRole('textbox', { name: /Your lines/ });
    await field.fill('mine\n');
    now.files = fix().map((of) =>
      of.path === MONEY ? { ...of, hunks: [{ ...of.hunks[1]!, hunk: 1, id: 20 }, ...of.hunks.slice(2)] } : of,
    );
    await screen.kerf.task!.review.load();
    const group = screen.getByRole('group', {
      name: 'What was written about lines that are no longer shown',
    });
    await expect.element(group.getByRole('textbox')).toHaveValue('mine\n');
    await expect.element(screen.getByRole('button', { name: /Accept mine/ })).toBeDisabled();
    await expect.element(screen.getByText('your text is kept here', { exact: false })).toBeVisible();
    await checkAxe();
    expect(edits(backend)).toEqual([]);
  });

  test('moves with its hunk when another comes above it', async () => {
    const { now, backend } = engine(fix());
    const screen = await desk(backend);
    await userEvent.keyboard('e');
    const field = screen.getByRole('textbox', { name: /Your lines/ });
    await field.fill('mine\n');
    now.files = fix().map((of) =>
      of.path === MONEY
        ? {
            ...of,
            hunks: [
              hunk(1, ['+use a;'], { id: 50 }),
              ...of.hunks.map((one) => ({ ...one, hunk: one.hunk + 1 })),
            ],
          }
        : of,
    );
    await screen.kerf.task!.review.load();
    await expect.element(field).toHaveValue('mine\n');
    await field.click();
    await userEvent.keyboard('{Control>}{Enter}{/Control}');
    await expect.poll(() => edits(backend)).toEqual([[MONEY, 2, 1, 'mine\n']]);
  });

  test('stays on screen when it cannot be written', async () => {
    const refused = new RequestError({
      code: 'conflict',
      message: 'the hunk has changed since it was shown',
      hint: '',
    });
    const { backend } = engine(fix(), { 'review/edit': () => Promise.reject(refused) });
    const screen = await desk(backend);
    await userEvent.keyboard('e');
    const field = screen.getByRole('textbox', { name: /Your lines/ });
    await field.fill('mine\n');
    await userEvent.keyboard('{Control>}{Enter}{/Control}');
    await expect.element(screen.getByText('the hunk has changed since it was shown')).toBeVisible();
    await expect.element(field).toHaveValue('mine\n');
  });

  test('is not offered where it could not be kept to the byte', async () => {
    const files = [
      file('a.txt', [hunk(1, ['-a', '+b\rc'])]),
      file('gone.txt', [hunk(1, ['-a'])], { status: 'deleted' }),
      file('a.bin', [hunk(1, [])], { opaque: 'binary', summary: '1 B' }),
    ];
    const screen = await desk(engine(files).backend);
    await expect.element(screen.getByRole('button', { name: 'Edit', exact: true })).toBeVisible();
    expect(screen.getByRole('button', { name: 'Edit', exact: true }).elements()).toHaveLength(1);
    await userEvent.keyboard('e');
    await expect
      .element(screen.getByText('this hunk cannot be edited here: a line of it holds a carriage return'))
      .toBeVisible();
    await expect.element(screen.getByRole('textbox', { name: /Your lines/ })).not.toBeInTheDocument();
  });
});

describe('lines around', () => {
  const text = Array.from({ length: 4000 }, (_, at) => `line ${at + 1} of it`);
  const files = () => [
    file('long.txt', [
      hunk(1, [' line 99 of it', '-old', '+line 100 of it', ' line 101 of it'], { at: 99 }),
      hunk(2, [' line 299 of it', '+line 300 of it', ' line 301 of it'], { at: 299 }),
    ]),
  ];

  test('are shown 20 at a time, by click and by key, and the whole file', async () => {
    const { backend } = engine(files(), {}, { 'long.txt': text });
    await page.viewport(900, 2400);
    const screen = await desk(backend);
    const gap = screen.getByRole('group', { name: '98 lines of long.txt not shown' });
    await expect.element(gap).toBeVisible();
    await expect
      .element(screen.getByRole('group', { name: '197 lines of long.txt not shown' }))
      .toBeVisible();
    await checkAxe();
    await screen.getByRole('button', { name: 'Show 20 more above hunk 1 of long.txt' }).click();
    await expect.element(screen.getByText('line 79 of it', { exact: true })).toBeVisible();
    await expect.element(screen.getByRole('group', { name: '78 lines of long.txt not shown' })).toBeVisible();
    await expect.element(screen.getByText('line 78 of it', { exact: true })).not.toBeInTheDocument();
    // A key shows as many on both sides.
    await userEvent.keyboard('x');
    await expect.element(screen.getByText('line 59 of it', { exact: true })).toBeVisible();
    await expect.element(screen.getByText('line 121 of it', { exact: true })).toBeInTheDocument();
    await userEvent.keyboard('{Shift>}X{/Shift}');
    await expect.element(screen.getByText('line 1 of it', { exact: true })).toBeInTheDocument();
    await expect.element(screen.getByRole('group', { name: /not shown/ })).not.toBeInTheDocument();
    // Only what is on screen is drawn, and read.
    expect(screen.container.querySelectorAll('.line').length).toBeLessThan(200);
    const read = askedFor(backend, 'review/around').map((params) => (params as { first: number }).first);
    expect(Math.max(...read)).toBeLessThan(1000);
    await checkAxe();
    await screen.getByRole('button', { name: 'Only changes' }).first().click();
    await expect.element(gap).toBeVisible();
  });

  test('stand on both sides of the split layout', async () => {
    const { backend } = engine(files(), {}, { 'long.txt': text });
    const screen = await desk(backend);
    await screen.getByText('Split', { exact: true }).click();
    await screen.getByRole('button', { name: 'Show 20 more above hunk 1 of long.txt' }).click();
    await expect.poll(() => screen.getByText('line 90 of it', { exact: true }).elements().length).toBe(2);
  });
});

describe('white space', () => {
  const files = () => [
    file('a.py', [
      hunk(1, ['-if x:', '-  y()', '+if  x:', '+    y()'], { at: 1 }),
      hunk(2, ['-a = 1', '+a = 2'], { at: 40 }),
    ]),
  ];

  test('is folded by a key, says so, is decided all the same, and is shown when asked for', async () => {
    const { backend } = engine(files());
    const screen = await desk(backend);
    await expect.element(screen.getByText('y()').first()).toBeVisible();
    await userEvent.keyboard('{Shift>}w{/Shift}');
    await expect.element(screen.getByText('2 lines differ only in white space')).toBeVisible();
    expect(screen.getByText('y()').elements()).toHaveLength(0);
    await expect
      .element(screen.getByRole('button', { name: 'Fold white space' }))
      .toHaveAttribute('aria-pressed', 'true');
    expect(askedFor(backend, 'settings/change')).toMatchObject([{ appearance: { fold_white_space: true } }]);
    // The other hunk is as it was.
    expect(screen.container.querySelectorAll('.is-added')).toHaveLength(1);
    await checkAxe();
    // It is the current hunk still, and a key decides it.
    await userEvent.keyboard('y');
    await expect
      .poll(() => askedFor(backend, 'review/decide'))
      .toMatchObject([{ decision: 'accept', target: { type: 'hunk', path: 'a.py', hunk: 1 } }]);
    await expect.element(screen.getByText('1 of 2 hunks accepted, 0 rejected, 1 to go')).toBeVisible();
    await screen.getByRole('button', { name: 'Show the lines of hunk 1 of a.py' }).click();
    await expect.element(screen.getByText('y()').first()).toBeVisible();
  });

  test('under which something is written is shown', async () => {
    const screen = await desk(engine(files()).backend);
    await userEvent.keyboard('{Shift>}w{/Shift}');
    await expect.element(screen.getByText('2 lines differ only in white space')).toBeVisible();
    await userEvent.keyboard('c');
    await expect.element(screen.getByRole('textbox', { name: 'Comment on a.py' })).toHaveFocus();
    await expect.element(screen.getByText('y()').first()).toBeVisible();
  });
});

describe('pictures', () => {
  // One pixel, and two beside each other.
  const ONE =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const opaque = (path: string) =>
    file(path, [hunk(1, [])], { opaque: 'binary', summary: '68 B → 70 B', status: 'modified' });
  const yes = (data: string, media_type = 'image/png') => ({ type: 'yes' as const, data, media_type });
  const showing = (pictures: Record<string, Pictures>) =>
    engine(Object.keys(pictures).map(opaque), { 'review/pictures': ({ path }) => pictures[path]! });

  test('stand side by side with their sizes, or over each other', async () => {
    const { backend } = showing({
      'a.png': {
        before: { bytes: 68, width: 1, height: 1, drawn: yes(ONE) },
        after: { bytes: 70, width: 1, height: 1, drawn: yes(ONE) },
      },
    });
    const screen = await desk(backend);
    await expect.element(screen.getByRole('img', { name: 'Before: a.png' })).toBeVisible();
    await expect.element(screen.getByText('1 × 1, 68 B')).toBeVisible();
    await expect.element(screen.getByText('1 × 1, 70 B')).toBeVisible();
    for (const image of screen.container.querySelectorAll('img')) expect(image.src).toMatch(/^blob:/);
    await checkAxe();
    await screen.getByText('Over each other').click();
    const slider = screen.getByRole('slider', { name: 'How much of the proposal shows' });
    await slider.fill('25');
    const after = screen.container.querySelector('img[alt="Proposed: a.png"]')!;
    await expect.poll(() => getComputedStyle(after).opacity).toBe('0.25');
    await checkAxe();
  });

  test('that come or go stand alone, and what cannot be drawn says why', async () => {
    const { backend } = showing({
      'broken.png': { after: { bytes: 9, width: 3, height: 3, drawn: yes(btoa('no picture')) } },
      'gone.jpg': { before: { bytes: 68, width: 1, height: 1, drawn: yes(ONE, 'image/png') } },
      'large.gif': { after: { bytes: 90_000_000, drawn: { type: 'too_large' } } },
      'text.webp': {
        before: { bytes: 4, drawn: { type: 'no_picture' } },
        after: { bytes: 4, drawn: { type: 'not_kept' } },
      },
    });
    const screen = await desk(backend);
    await expect.element(screen.getByText('The picture is broken: it cannot be drawn.')).toBeVisible();
    await expect.element(screen.getByRole('img', { name: 'Before: gone.jpg' })).toBeVisible();
    await expect.element(screen.getByText('It is too large to be drawn here.')).toBeVisible();
    await expect
      .element(screen.getByText('It is no picture that can be drawn here: it may be broken.'))
      .toBeVisible();
    await expect.element(screen.getByText('Its bytes were too many to be kept.')).toBeVisible();
    await checkAxe();
  });

  test('that may never be done are told and not drawn', async () => {
    const { backend } = engine([file('a.svg', [hunk(1, ['+<svg'])], { status: 'created' })], {
      'review/pictures': () => ({ after: { bytes: 9, drawn: { type: 'endless', part: '<ani\u202emate>' } } }),
    });
    const screen = await desk(backend);
    await expect
      .element(screen.getByText('It uses <ani‹U+202E›mate>, with which', { exact: false }))
      .toBeVisible();
    expect(screen.container.querySelector('img')).toBeNull();
    expect(screen.getByRole('button', { name: 'Draw it' }).elements()).toHaveLength(0);
    await checkAxe();
  });

  test('that are programs are drawn when the user says so, as pictures and nothing else', async () => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"><script>document.title = 'ran'</script>
      <image href="https://example.com/a.png"/><rect width="7" height="5"/></svg>`;
    const title = document.title;
    const files = [file('a.svg', [hunk(1, ['+<svg'])], { status: 'created' })];
    const { backend } = engine(files, {
      'review/pictures': () => ({ after: { bytes: svg.length, drawn: yes(btoa(svg), 'image/svg+xml') } }),
    });
    const screen = await desk(backend);
    const draw = screen.getByRole('button', { name: 'Draw it' });
    await expect.element(draw).toBeVisible();
    expect(screen.container.querySelector('img')).toBeNull();
    await draw.click();
    await expect.element(screen.getByText('7 × 5', { exact: false })).toBeVisible();
    expect(screen.container.querySelectorAll('.pictures svg, .pictures script')).toHaveLength(0);
    expect(document.title).toBe(title);
    await checkAxe();
  });
});

describe('notebooks', () => {
  const files = () => [file('a.ipynb', [hunk(1, ['-  "x = 1"', '+  "x = 2"'], { at: 12 })])];
  const NOTEBOOK: Notebook = {
    language: 'python',
    more: 0,
    cells: [
      {
        kind: 'code',
        change: 'source',
        before: 3,
        after: 4,
        same_above: 2,
        more_lines: 0,
        lines: [
          { kind: 'removed', old: 1, new: null, text: 'x = 1' },
          { kind: 'added', old: null, new: 1, text: 'x = 2' },
        ],
        output_before: { count: 1, bytes: 40 },
        output_after: { count: 2, bytes: 90_000 },
        output_differs: true,
      },
      {
        kind: 'markdown',
        change: 'added',
        after: 5,
        same_above: 0,
        more_lines: 0,
        lines: [{ kind: 'added', old: null, new: 1, text: '# More' }],
        output_differs: false,
      },
    ],
  };

  test('show their cells, with outputs in a line; the file is decided by its hunks', async () => {
    const { backend } = engine(files(), { 'review/notebook': () => NOTEBOOK });
    const screen = await desk(backend);
    const cell = screen.getByRole('region', { name: 'Cell 4 of a.ipynb' });
    await expect.element(cell.getByText('Cell 4, was 3 changed')).toBeVisible();
    await expect.element(cell.getByText('x = 2')).toBeVisible();
    await expect.element(cell.getByText('Output: 1 output, 40 B, now 2 outputs, 90 kB')).toBeVisible();
    await expect.element(screen.getByText('⋯ 2 cells as before')).toBeVisible();
    await expect.element(screen.getByText('Cell 5 added')).toBeVisible();
    await expect.element(screen.getByText("2 lines of the notebook's file")).toBeVisible();
    await checkAxe();
    await userEvent.keyboard('y');
    await expect.poll(() => askedFor(backend, 'review/decide').length).toBe(1);
    await screen.getByRole('button', { name: 'Show the lines of hunk 1 of a.ipynb' }).click();
    await expect.element(screen.getByText('"x = 2"', { exact: false })).toBeVisible();
  });

  test('that are none are shown as text', async () => {
    const unreadable = { unreadable: 'it is no valid JSON: EOF', language: '', cells: [], more: 0 };
    const { backend } = engine(files(), { 'review/notebook': () => unreadable });
    const screen = await desk(backend);
    await expect
      .element(screen.getByText('Shown as text, not as cells: it is no valid JSON: EOF'))
      .toBeVisible();
    await expect.element(screen.getByText('"x = 2"', { exact: false })).toBeVisible();
    await checkAxe();
  });
});

import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, test } from 'vitest';
import { fakeBackend, type FakeBackend } from '../../backend/fake';
import { RequestError } from '../../backend/backend';
import { isPlain } from '../../components/visible';
import { OpenTask } from '../../state/kerf.svelte';
import type { Decide } from '../../protocol/Decide';
import type { HeldHunk } from '../../protocol/HeldHunk';
import type { ReadHunks } from '../../protocol/ReadHunks';
import type { TaskCheck } from '../../protocol/TaskCheck';
import type { ReviewFile } from '../../protocol/ReviewFile';
import { askedFor, checkAxe, mountWith, session } from '../../testing';
import ReviewDesk from './ReviewDesk.svelte';
import { file, fix, hunk, large, overReview } from './sample';

const ID = 'session-r';

/** An engine that keeps a review: decisions are carried out as the engine would, apart from lines. */
function engine(files: ReviewFile[]) {
  let now = files;
  let before = files;
  const backend = fakeBackend({
    ...overReview(() => now),
    'review/decide': ({ decision, target }: Decide) => {
      before = now;
      const state = decision === 'accept' ? 'accepted' : 'rejected';
      const held: HeldHunk[] = [];
      now = now.map((file) => ({
        ...file,
        hunks: file.hunks.map((hunk) => {
          const meant =
            target.type === 'hunk' || target.type === 'lines'
              ? target.path === file.path && target.hunk === hunk.hunk
              : hunk.state === 'pending' &&
                (target.type === 'all' || (target.path ?? file.path) === file.path);
          const hides = hunk.lines.some(({ kind, text }) => kind !== 'context' && !isPlain(text));
          if (meant && hides && state === 'accepted' && target.type !== 'hunk') {
            held.push({ path: file.path, hunk: hunk.hunk });
            return hunk;
          }
          return meant ? { ...hunk, state } : hunk;
        }),
      }));
      return { session_id: ID, decision_id: 1, hunks: 1, held, written: [] };
    },
    'review/undo': () => {
      now = before;
      return { session_id: ID, decision_id: 1, hunks: 1, written: [] };
    },
    'settings/change': () => ({}),
    'review/commit': () => ({
      oid: '3f9c2ab41d00',
      files: ['CHANGELOG.md'],
      not_run: ['the hook pre-commit'],
    }),
  });
  return backend;
}

async function desk(files: ReviewFile[], backend: FakeBackend = engine(files)) {
  return await mountWith(ReviewDesk, {
    backend,
    prepare: async (kerf) => {
      kerf.tasks.put(session({ id: ID }));
      kerf.task = new OpenTask(backend, ID);
      kerf.task.conversation.turns = [
        { id: 'turn-1', state: 'completed', created_at: 0, usage: session().usage, instructions: [] },
      ];
      await kerf.task.review.load();
    },
  });
}

const MONEY = 'crates/money/src/money.rs';
const decisions = (backend: FakeBackend) =>
  askedFor(backend, 'review/decide').map((params) => {
    const { decision, target } = params as Decide;
    return [decision, target];
  });

beforeEach(async () => {
  await page.viewport(900, 800);
});

describe('what is on screen', () => {
  test('tells files, lines and progress', async () => {
    const screen = await desk(fix());
    await expect.element(screen.getByRole('heading', { name: '3 files' })).toBeVisible();
    await expect.element(screen.getByText('1 of 5 hunks accepted, 1 rejected, 3 to go')).toBeVisible();
    await expect.element(screen.getByText('impl Money › fn split')).toBeVisible();
    await expect.element(screen.getByText('from edit, turn 1').first()).toBeVisible();
    await expect.element(screen.getByText('from command, turn 1 and you')).toBeVisible();
    await expect.element(screen.getByText('✕ rejected')).toBeVisible();
    await checkAxe();
  });

  test('marks what changed within a line, and colours code', async () => {
    const screen = await desk(fix());
    const words = () =>
      [...screen.container.querySelectorAll('.is-removed .word')].map((word) => word.textContent);
    await expect.poll(() => words().join('')).toContain('total.div_ceil');
    await expect.poll(() => screen.container.querySelector('.code .keyword')?.textContent).toContain('pub');
  });

  test('lays out side by side when that is chosen', async () => {
    const screen = await desk(fix());
    await screen.getByText('Split', { exact: true }).click();
    await expect.poll(() => screen.container.querySelectorAll('.pair').length).toBeGreaterThan(5);
    expect(askedFor(screen.backend, 'settings/change')).toMatchObject([
      { appearance: { diff_layout: 'split' } },
    ]);
    await checkAxe();
  });

  test('has a word for no task, for nothing, and for a failure after which the review can be used', async () => {
    const empty = await mountWith(ReviewDesk, {});
    await expect.element(empty.getByText('Nothing to review')).toBeVisible();
    await empty.unmount();

    const nothing = await desk([]);
    await expect.element(nothing.getByText('Changes that the agent makes show up here.')).toBeVisible();
    await checkAxe();
    await nothing.unmount();

    const backend = engine(fix());
    const screen = await desk(fix(), {
      ...backend,
      request: (method, params) =>
        method === 'review/decide'
          ? Promise.reject(
              new RequestError({
                code: 'conflict',
                message: 'money.rs changed meanwhile',
                hint: 'Look again',
              }),
            )
          : backend.request(method, params),
    });
    await userEvent.keyboard('y');
    await expect.element(screen.getByText('money.rs changed meanwhile')).toBeVisible();
    await expect.element(screen.getByText('impl Money › fn split')).toBeVisible();
    await checkAxe();
    await screen.getByRole('button', { name: 'Dismiss' }).click();
    await expect.element(screen.getByText('money.rs changed meanwhile')).not.toBeInTheDocument();
  });

  test('waits in words while the first answer is under way', async () => {
    const backend = fakeBackend({ 'review/outline': () => new Promise(() => {}) });
    const screen = await mountWith(ReviewDesk, {
      backend,
      prepare: (kerf) => {
        kerf.task = new OpenTask(backend, ID);
      },
    });
    await expect.element(screen.getByText('Looking at what changed…')).toBeInTheDocument();
  });

  test('says what has no lines to show', async () => {
    const whole = (header: string) => [hunk(1, [], { header })];
    const screen = await desk([
      file('a/logo.png', whole('binary of 3 KiB → binary of 4 KiB'), {
        opaque: 'binary',
        summary: 'binary of 3 KiB → binary of 4 KiB',
      }),
      file('a/link', whole('link to "../x"'), {
        opaque: 'link',
        status: 'replaced',
        summary: 'link to "../x"',
      }),
      file('a/run.sh', whole('mode 100644 → 100755'), { status: 'mode', summary: 'mode 100644 → 100755' }),
      file('a/dump.sql', whole('file of 80 MiB'), { opaque: 'huge', summary: 'file of 80 MiB' }),
      file('b/new-name.ts', [], { status: 'renamed', renamed_from: 'b/old-name.ts' }),
    ]);
    await expect.element(screen.getByText('Binary file, not shown line by line')).toBeVisible();
    await expect.element(screen.getByText('binary of 3 KiB → binary of 4 KiB')).toBeVisible();
    await expect.element(screen.getByText('Symbolic link')).toBeVisible();
    await expect.element(screen.getByText('mode 100644 → 100755').first()).toBeVisible();
    await expect.element(screen.getByText('Too large to be shown line by line')).toBeVisible();
    await expect.element(screen.getByText('Nothing to show line by line')).toBeInTheDocument();
    await checkAxe();
  });

  test('folds lock files until they are asked for', async () => {
    const lines = Array.from({ length: 1204 }, (_, at) => `+line ${at}`);
    const screen = await desk([file('Cargo.lock', [hunk(1, lines)])]);
    await expect.element(screen.getByText('1,204 lines changed, 0 of 1 hunk decided')).toBeVisible();
    await screen.getByRole('button', { name: 'Show', exact: true }).click();
    await expect.element(screen.getByText('line 0', { exact: true })).toBeVisible();
  });

  test('tells a missing line end and line ends that changed', async () => {
    const ragged = hunk(1, ['-a', '+b']);
    ragged.lines = ragged.lines.map((line) => ({ ...line, no_newline: line.kind === 'added' }));
    const screen = await desk([file('a.txt', [ragged]), file('b.txt', [hunk(1, ['-x', '-y', '+x', '+y'])])]);
    await expect.element(screen.getByText('no line end at the end of the file')).toBeVisible();
    await expect.element(screen.getByText(/Only the line ends changed/)).toBeVisible();
  });
});

describe('hostile contents', () => {
  test('stay text, and what is hidden is marked', async () => {
    const screen = await desk([
      file('evil\u202egnp.ts', [
        hunk(
          1,
          [
            '-x',
            '+<img src=x onerror=alert(1)><b>bold</b>',
            '+if (a) { // \u202e } \u2066',
            '+const \u0430dmin = 1;',
          ],
          {
            header: '<script>alert(1)</script>\u200b',
          },
        ),
      ]),
    ]);
    await expect.element(screen.getByText(/<img src=x onerror/)).toBeVisible();
    expect(screen.container.querySelector('.diff img, .diff b, .diff script')).toBeNull();
    await expect.element(screen.getByText('‹U+202E›', { exact: true })).toBeVisible();
    await expect.element(screen.getByText('‹U+2066›', { exact: true })).toBeVisible();
    await expect.element(screen.getByText('‹U+0430›', { exact: true })).toBeVisible();
    await expect.element(screen.getByText(/Holds characters that are hidden/)).toBeVisible();
    expect(screen.container.textContent).not.toMatch(/[\u202e\u2066\u200b]/);
    await checkAxe();
  });

  test('wait while the rest is accepted, and the app says how many and why', async () => {
    const screen = await desk([
      file('a.ts', [hunk(1, ['+ok']), hunk(2, ['+a\u200bb'], { at: 9 })]),
      file('b.ts', [hunk(1, ['+ok'])]),
    ]);
    await screen.getByRole('button', { name: 'Accept rest' }).click();
    await expect.element(screen.getByText(/1 hunk more waits: characters in it are hidden/)).toBeVisible();
    expect(decisions(screen.backend)).toEqual([]);
    await screen.getByRole('button', { name: 'Accept 2 hunks' }).click();
    await expect.poll(() => decisions(screen.backend)).toEqual([['accept', { type: 'all' }]]);
    const held = screen.getByText(/1 hunk still waits: characters in it are hidden/);
    await expect.element(held).toBeVisible();
    await expect.element(screen.getByText('2 of 3 hunks accepted, 0 rejected, 1 to go')).toBeVisible();
    await checkAxe();
    // By itself it is accepted, without a question.
    const hidden = screen.getByRole('group', { name: 'Hunk 2 of a.ts' });
    await hidden.getByRole('button', { name: 'Accept', exact: true }).click();
    await expect
      .poll(() => decisions(screen.backend).at(-1))
      .toEqual(['accept', { type: 'hunk', path: 'a.ts', hunk: 2, id: 2 }]);
    await expect.element(held).not.toBeInTheDocument();
  });
});

describe('checks', () => {
  const check = (command: string, change: Partial<TaskCheck>): TaskCheck => ({
    command,
    kind: 'test',
    outcome: 'passed',
    code: 0,
    stale: false,
    turn_id: 'turn-1',
    item_id: `item ${command}`,
    at: 1,
    duration_ms: 5,
    ...change,
  });

  test('stand in one line with how they ended, and lead to their calls', async () => {
    const backend = fakeBackend({
      ...overReview(() => fix()),
      'review/checks': () => [
        check('cargo test', {}),
        check('npm run lint\n--fix', { outcome: 'failed', code: 2 }),
        check('make', { outcome: 'stopped', code: null, stale: true }),
      ],
    });
    const screen = await desk([], backend);
    const sought: string[] = [];
    screen.kerf.seek = (id) => sought.push(id) > 0;
    const checks = screen.getByRole('list', { name: 'Checks' });
    await expect.element(checks.getByRole('button', { name: /cargo test passed/ })).toBeVisible();
    await expect
      .element(checks.getByRole('button', { name: /npm run lint --fix failed \(2\)/ }))
      .toBeVisible();
    await expect
      .element(checks.getByRole('button', { name: /make stopped, before the last change/ }))
      .toBeVisible();
    expect(checks.element().getBoundingClientRect().height).toBeLessThan(40);
    await checks.getByRole('button', { name: /cargo test/ }).click();
    expect(sought).toEqual(['item cargo test']);
    await checkAxe();
  });

  test('that cannot be read are told of', async () => {
    const backend = fakeBackend({
      ...overReview(() => fix()),
      'review/checks': () => {
        throw new RequestError({ code: 'storage', message: 'the database is gone', hint: '' });
      },
    });
    const screen = await desk([], backend);
    await expect.element(screen.getByText(/could not be read: the database is gone/)).toBeVisible();
  });
});

describe('who made it', () => {
  const tool = { type: 'tool', turn_id: 'turn-1', item_id: 'item-1' } as const;
  const command = { type: 'command', turn_id: 'turn-1', item_id: 'item-2' } as const;

  async function made() {
    const both = hunk(1, ['-a', '+b', '+c'], {
      authors: [tool, command],
      made_by: [
        { first: 0, count: 2, author: tool },
        { first: 2, count: 1, author: command },
      ],
    });
    const screen = await desk([file('a.ts', [both])]);
    const sought: string[] = [];
    screen.kerf.seek = (id) => {
      sought.push(id);
      return id !== 'item-2';
    };
    await expect.element(screen.getByText('from edit, turn 1 and command, turn 1')).toBeVisible();
    return { screen, sought };
  }

  test('is told at the hunk, and W leads to the place in the conversation', async () => {
    const { screen, sought } = await made();
    await screen.getByText('from edit, turn 1 and command, turn 1').click();
    // The last one at it is gone from the conversation, and that is told.
    await expect.element(screen.getByText(/what made this is no longer in the conversation/)).toBeVisible();
    expect(sought).toEqual(['item-2']);
    await checkAxe();
  });

  test('is told line by line', async () => {
    const { screen, sought } = await made();
    const desk = screen.getByRole('region', { name: 'Changes', exact: true });
    await desk.getByText('b', { exact: true }).click();
    screen.kerf.task!.review.current = { path: 'a.ts', hunk: 1 };
    desk.element().focus();
    // The removed line is the first of the selection.
    await userEvent.keyboard('{Shift>}{ArrowDown}{/Shift}');
    await expect.element(screen.getByRole('toolbar', { name: 'Selected lines' })).toBeVisible();
    await userEvent.keyboard('w');
    expect(sought).toEqual(['item-1']);
  });
});

describe('scopes', () => {
  test('a turn is decided as such, and a branch is for looking at', async () => {
    const screen = await desk(fix());
    screen.kerf.task!.look({ type: 'turn', turn_id: 'turn-1' });
    const accept = screen.getByRole('button', { name: 'Accept rest' });
    await expect.element(accept).toBeEnabled();
    await accept.click();
    await expect
      .poll(() => decisions(screen.backend))
      .toEqual([['accept', { type: 'turn', turn_id: 'turn-1', path: null }]]);

    screen.kerf.task!.look({ type: 'branch', base: null });
    await expect
      .element(screen.getByText('There is no other branch to compare with.'))
      .not.toBeInTheDocument();
    await expect.element(screen.getByText('Unified')).toBeVisible();
    await expect.element(screen.getByRole('button', { name: 'Accept rest' })).not.toBeInTheDocument();
    const first = screen.getByRole('group', { name: 'Hunk 1 of crates/money/src/money.rs' });
    await expect.element(first.getByRole('button', { name: 'Comment' })).toBeVisible();
    await expect.element(first.getByRole('button', { name: 'Accept' })).not.toBeInTheDocument();
    await userEvent.keyboard('y');
    expect(decisions(screen.backend).length).toBe(1);
    await checkAxe();
  });
});

describe('keys', () => {
  test('decide the current hunk, go on, back, and undo', async () => {
    const screen = await desk(fix());
    const review = screen.kerf.task!.review;
    expect(review.current).toEqual({ path: MONEY, hunk: 1 });
    await userEvent.keyboard('y');
    await expect.element(screen.getByText('2 of 5 hunks accepted, 1 rejected, 2 to go')).toBeVisible();
    await expect.poll(() => review.current).toEqual({ path: MONEY, hunk: 2 });
    await userEvent.keyboard('n');
    await expect.element(screen.getByText('2 of 5 hunks accepted, 2 rejected, 1 to go')).toBeVisible();
    await userEvent.keyboard('k');
    await userEvent.keyboard('j');
    await userEvent.keyboard('u');
    await expect.element(screen.getByText('2 of 5 hunks accepted, 1 rejected, 2 to go')).toBeVisible();
    expect(review.current).toEqual({ path: MONEY, hunk: 2 });
    expect(decisions(screen.backend)).toEqual([
      ['accept', { type: 'hunk', path: MONEY, hunk: 1, id: 1 }],
      ['reject', { type: 'hunk', path: MONEY, hunk: 2, id: 2 }],
    ]);
    expect(askedFor(screen.backend, 'review/undo')).toEqual([{ session_id: ID }]);
  });

  test('select lines, which are what is decided then', async () => {
    const screen = await desk(fix());
    (screen.container.querySelector('[role=region]') as HTMLElement).focus();
    await userEvent.keyboard('{Shift>}{ArrowDown}{ArrowDown}{ArrowDown}{ArrowDown}{/Shift}');
    const bar = screen.getByRole('toolbar', { name: 'Selected lines' });
    await expect.element(bar).toHaveTextContent('4 lines, 3 changed');
    await checkAxe();
    await userEvent.keyboard('{Shift>}{ArrowUp}{/Shift}');
    await expect.element(bar).toHaveTextContent('3 lines');
    await userEvent.keyboard('n');
    await expect
      .poll(() => decisions(screen.backend))
      .toEqual([['reject', { type: 'lines', path: MONEY, hunk: 1, id: 1, lines: [2, 3, 4] }]]);
    await expect.element(bar).not.toBeInTheDocument();
  });

  test('decide nothing that is no longer what was selected', async () => {
    let files = fix();
    const backend = fakeBackend(overReview(() => files));
    const screen = await desk(files, backend);
    (screen.container.querySelector('[role=region]') as HTMLElement).focus();
    await userEvent.keyboard('{Shift>}{ArrowDown}{/Shift}');
    const bar = screen.getByRole('toolbar', { name: 'Selected lines' });
    await expect.element(bar).toBeVisible();
    await screen.kerf.task!.review.load();
    await expect.element(bar).toBeVisible();
    files = fix();
    files[1]!.hunks[0] = hunk(1, ['+something else'], { at: 38, id: 9 });
    await screen.kerf.task!.review.load();
    await expect.element(bar).not.toBeInTheDocument();
  });

  test('keep a comment that is being written when its hunk goes', async () => {
    let files = fix();
    const screen = await desk(files, fakeBackend(overReview(() => files)));
    await userEvent.keyboard('c');
    const field = screen.getByRole('textbox', { name: `Comment on ${MONEY}` });
    await expect.element(field).toHaveFocus();
    await userEvent.keyboard('Why?');
    files = files.filter(({ path }) => path !== MONEY);
    await screen.kerf.task!.review.load();
    await expect.element(field).toHaveValue('Why?');
    await screen.getByRole('button', { name: 'Save comment' }).click();
    await expect.element(screen.getByText('lines 40 to 41, sends with your next reply')).toBeVisible();
  });

  test('open and save a comment, which stands under its lines', async () => {
    const screen = await desk(fix());
    await userEvent.keyboard('c');
    const field = screen.getByRole('textbox', { name: `Comment on ${MONEY}` });
    await expect.element(field).toHaveFocus();
    await userEvent.keyboard('Give the rest to the first part.');
    await checkAxe();
    await userEvent.keyboard('{Control>}{Enter}{/Control}');
    await expect.element(screen.getByText('· lines 40 to 41, sends with your next reply')).toBeVisible();
    await expect.element(field).not.toBeInTheDocument();
    expect(askedFor(screen.backend, 'review/comment')).toEqual([
      {
        session_id: ID,
        comment: {
          path: MONEY,
          first_line: 40,
          last_line: 41,
          excerpt: fix()[1]!
            .hunks[0]!.lines.slice(2, 5)
            .map(({ text }) => text)
            .join('\n'),
          text: 'Give the rest to the first part.',
        },
      },
    ]);
    // The keyboard is at the line that the comment is about, and not around all changes.
    const line = () => document.activeElement?.closest('[data-row]');
    expect(line()).toBe(document.activeElement);
    expect(line()?.textContent).toContain('let rest = total - share');
    await userEvent.keyboard('{Shift>}{ArrowDown}{/Shift}');
    await expect.element(screen.getByRole('toolbar', { name: 'Selected lines' })).toBeVisible();
    await userEvent.keyboard('{Escape}');
    await userEvent.keyboard('c');
    await expect.element(field).toHaveFocus();
    await userEvent.keyboard('{Escape}');
    await expect.element(field).not.toBeInTheDocument();
    expect(line()?.textContent).toContain('let rest = total - share');
  });

  test('are offered as actions only when they make sense', async () => {
    const screen = await desk(
      fix().map((file) => ({
        ...file,
        hunks: file.hunks.map((hunk) => ({ ...hunk, state: 'accepted' as const })),
      })),
    );
    const listed = screen.actions.listed.map(({ id }) => id);
    expect(listed).toContain('review.reject');
    expect(listed).toContain('review.commit');
    expect(listed).toContain('review.undo');
    for (const id of [
      'review.accept',
      'review.acceptFile',
      'review.rejectFile',
      'review.acceptAll',
      'review.rejectAll',
    ])
      expect(listed).not.toContain(id);
    await screen.unmount();
    expect(screen.actions.all).toEqual([]);
  });
});

describe('buttons', () => {
  test('show what was sent of a file', async () => {
    const screen = await desk(fix());
    await screen.getByRole('group', { name: MONEY }).getByRole('button', { name: 'Sent' }).click();
    expect(screen.kerf.view).toBe('ledger');
    const { folder } = screen.kerf;
    expect(screen.kerf.ledger.reading.about).toMatchObject({ folder, file: MONEY });
  });

  test('decide a hunk, and take it back', async () => {
    const screen = await desk(fix());
    const group = screen.getByRole('group', { name: `Hunk 1 of ${MONEY}` });
    await group.getByRole('button', { name: 'Reject' }).click();
    await expect.element(group.getByText('rejected')).toBeVisible();
    const undo = group.getByRole('button', { name: 'Undo' });
    await expect.element(undo).toHaveAttribute('title', `Undo: reject of hunk 1 in ${MONEY}`);
    await undo.click();
    await expect.element(group.getByRole('button', { name: 'Accept' })).toBeVisible();
    expect(askedFor(screen.backend, 'review/undo')).toHaveLength(1);
  });

  test('offer the other decision for a hunk that was decided before', async () => {
    const screen = await desk(fix());
    await screen.getByRole('button', { name: 'Accept instead' }).click();
    await expect
      .poll(() => decisions(screen.backend))
      .toEqual([['accept', { type: 'hunk', path: MONEY, hunk: 3, id: 3 }]]);
  });

  test('decide a file', async () => {
    const screen = await desk(fix());
    await screen.getByRole('button', { name: 'Accept file' }).click();
    await expect.poll(() => decisions(screen.backend)).toEqual([['accept', { type: 'file', path: MONEY }]]);
    await expect
      .element(screen.getByRole('button', { name: 'Undo' }).first())
      .toHaveAttribute('title', `Undo: accept of 2 hunks in ${MONEY}`);
  });

  test('ask before more than 20 hunks are decided', async () => {
    const screen = await desk(large(21, 2));
    await screen.getByRole('button', { name: 'Reject rest' }).click();
    await expect.element(screen.getByRole('heading', { name: 'Reject 21 hunks?' })).toBeVisible();
    await checkAxe();
    await screen.getByRole('button', { name: 'Cancel' }).click();
    expect(decisions(screen.backend)).toEqual([]);
    await screen.getByRole('button', { name: 'Reject rest' }).click();
    await screen.getByRole('button', { name: 'Reject 21 hunks' }).click();
    await expect.poll(() => decisions(screen.backend)).toEqual([['reject', { type: 'all' }]]);
  });

  test('select lines by dragging over their numbers', async () => {
    const screen = await desk(fix());
    const gutters = () => [...screen.container.querySelectorAll('.line .gutter')];
    await expect.poll(() => gutters().length).toBeGreaterThan(8);
    const of = (text: string) =>
      gutters().find((gutter) => gutter.closest('.line')?.textContent.includes(text))!;
    const pointer = (type: string, on: Element) => {
      const { x, y, height } = on.getBoundingClientRect();
      on.dispatchEvent(
        new PointerEvent(type, { bubbles: true, clientX: x + 3, clientY: y + height / 2, button: 0 }),
      );
    };
    pointer('pointerdown', of('let share = div_half_even'));
    pointer('pointermove', of('(0..parts).map'));
    pointer('pointerup', of('(0..parts).map'));
    const bar = screen.getByRole('toolbar', { name: 'Selected lines' });
    await expect.element(bar).toHaveTextContent('3 lines, 2 changed');
    await bar.getByRole('button', { name: 'Accept' }).click();
    await expect
      .poll(() => decisions(screen.backend))
      .toEqual([['accept', { type: 'lines', path: MONEY, hunk: 1, id: 1, lines: [3, 4] }]]);
  });
});

describe('the list of files', () => {
  test('goes to files by arrow keys, and has a menu', async () => {
    const screen = await desk(fix());
    const entry = (path: string) => screen.container.querySelector<HTMLElement>(`[data-path="${path}"]`)!;
    await expect.poll(() => entry('CHANGELOG.md')).toBeTruthy();
    entry('CHANGELOG.md').focus();
    await userEvent.keyboard('{ArrowDown}');
    await expect.poll(() => document.activeElement).toBe(entry(MONEY));
    expect(screen.kerf.task!.review.current).toEqual({ path: MONEY, hunk: 1 });
    entry(MONEY).dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }));
    await screen.getByRole('menuitem', { name: 'Open in editor' }).click();
    await expect.poll(() => screen.backend.done).toEqual([['openFile', '/projects/ledgerd', MONEY, 40]]);
    expect(screen.kerf.search.recent.of('/projects/ledgerd')[0]).toBe(MONEY);
  });
});

describe('the commit', () => {
  test('says what goes in, counts the first line, and ends with the name of the commit', async () => {
    const screen = await desk(fix());
    await screen.getByRole('button', { name: 'Commit 1…' }).click();
    await expect.element(screen.getByText('CHANGELOG.md').last()).toBeVisible();
    await expect.element(screen.getByText('72 left')).toBeVisible();
    await screen.getByRole('textbox', { name: 'First line of the message' }).fill('Round refunds to even');
    await screen.getByRole('textbox', { name: 'Body of the message' }).fill('Cents came out one too many.');
    await expect.element(screen.getByText('51 left')).toBeVisible();
    await checkAxe();
    await screen.getByRole('button', { name: 'Commit', exact: true }).click();
    await expect.element(screen.getByText('3f9c2ab4')).toBeVisible();
    expect(askedFor(screen.backend, 'review/commit')).toEqual([
      { session_id: ID, message: 'Round refunds to even\n\nCents came out one too many.' },
    ]);
  });

  test('shows in place why it failed', async () => {
    const backend = engine(fix());
    const screen = await desk(fix(), {
      ...backend,
      request: (method, params) =>
        method === 'review/commit'
          ? Promise.reject(
              new RequestError({ code: 'conflict', message: 'a rebase is under way', hint: 'End it first' }),
            )
          : backend.request(method, params),
    });
    await screen.getByRole('button', { name: 'Commit 1…' }).click();
    await screen.getByRole('textbox', { name: 'First line of the message' }).fill('Try');
    await userEvent.keyboard('{Control>}{Enter}{/Control}');
    await expect.element(screen.getByRole('dialog').getByText('a rebase is under way')).toBeVisible();
    await expect
      .element(screen.getByRole('textbox', { name: 'First line of the message' }))
      .toHaveValue('Try');
  });
});

test('a file of 10,000 changed lines, and a line of a million characters, are shown in part', async () => {
  const lines = Array.from({ length: 10_000 }, (_, at) => `+line ${at}`);
  const screen = await desk([
    file('long.min.js', [hunk(1, [`+${'x'.repeat(1_000_000)}`])]),
    file('many.txt', [hunk(1, lines)]),
  ]);
  await expect.element(screen.getByText('… 996,000 more characters')).toBeInTheDocument();
  expect(screen.container.querySelectorAll('*').length).toBeLessThan(2500);
  expect(screen.container.textContent.length).toBeLessThan(20_000);
  screen.kerf.task!.review.current = { path: 'many.txt', hunk: 1 };
  screen.actions.run('review.comment');
  // The comment is far down, under the last line.
  await expect.element(screen.getByRole('textbox', { name: 'Comment on many.txt' })).toBeInTheDocument();
});

test('going to a hunk far away reads its lines, and the list has its full height before', async () => {
  const files = large(500, 200);
  const screen = await desk(files);
  const region = screen.container.querySelector('[role=region]')!;
  const sent = () =>
    askedFor(screen.backend, 'review/lines').flatMap((params) => (params as ReadHunks).wanted).length;
  await expect.element(screen.getByText('const value1 = read(1);').first()).toBeVisible();
  // How high a line is, is known once the first ones were drawn.
  await expect.poll(() => region.scrollHeight).toBeLessThan(500 * 200 * 30);
  const height = region.scrollHeight;
  expect(height).toBeGreaterThan(500 * 200 * 15);
  screen.kerf.task!.review.current = { path: 'src/part-0300/module.ts', hunk: 1 };
  screen.actions.run('review.next');
  await expect
    .element(screen.getByRole('group', { name: 'Hunk 1 of src/part-0301/module.ts' }))
    .toBeVisible();
  await expect
    .poll(() => [...region.querySelectorAll('[data-row] .code')].every((code) => code.textContent !== ''))
    .toBe(true);
  expect(Math.abs(region.scrollHeight - height)).toBeLessThan(height / 100);
  // Of 500 hunks those near the two places were read.
  expect(sent()).toBeLessThan(20);
});

test('the file that one is in stays named at the top', async () => {
  const screen = await desk(large(3, 200));
  const region = screen.container.querySelector('[role=region]')!;
  await expect.poll(() => region.scrollHeight).toBeGreaterThan(3000);
  region.scrollTop = 1500;
  await expect
    .poll(() => screen.container.querySelector('.pinned')?.textContent)
    .toContain('src/part-0000/module.ts');
});

test('500 files with 100,000 changed lines mount a screen of them', async () => {
  const files = large(500, 200);
  const screen = await desk(files);
  await expect.element(screen.getByText('const value1 = read(1);').first()).toBeVisible();
  expect(screen.container.querySelectorAll('*').length).toBeLessThan(2500);
  screen.actions.run('review.next');
  await expect
    .element(screen.getByRole('group', { name: 'Hunk 1 of src/part-0001/module.ts' }))
    .toBeVisible();
  expect(screen.container.querySelectorAll('*').length).toBeLessThan(2500);
});

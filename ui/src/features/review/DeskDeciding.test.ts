import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import { RequestError } from '../../backend/backend';
import { askedFor, checkAxe } from '../../testing';
import { ID, MONEY, decisions, desk, engine } from './atDesk';
import { fix, hunk, large, overReview } from './sample';

beforeEach(async () => {
  await page.viewport(900, 800);
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

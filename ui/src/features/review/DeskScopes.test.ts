import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import { askedFor, checkAxe } from '../../testing';
import { decisions, desk } from './atDesk';
import { file, fix, hunk, overReview } from './sample';

beforeEach(async () => {
  await page.viewport(900, 800);
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

  test('lines around, pictures and cells are in each, and one’s own version where something is proposed', async () => {
    const files = () => [
      file('long.txt', [hunk(1, [' line 99', '-old', '+line 100', ' line 101'], { at: 99 })]),
      file('logo.png', [hunk(1, [])], { opaque: 'binary' }),
      file('a.ipynb', [hunk(1, ['-"x = 1"', '+"x = 2"'])]),
    ];
    const text = Array.from({ length: 300 }, (_, at) => `line ${at + 1}`);
    const backend = fakeBackend({
      ...overReview(files, { 'long.txt': text }),
      'review/pictures': () => ({ after: { bytes: 9, drawn: { type: 'no_picture' } } }),
      'review/notebook': () => ({ language: 'python', cells: [], unreadable: '', more: 0 }),
    });
    await page.viewport(900, 1600);
    const screen = await desk([], backend);
    for (const scope of [
      { type: 'turn', turn_id: 'turn-1' },
      { type: 'branch', base: null },
      { type: 'uncommitted' },
    ] as const) {
      screen.kerf.task!.look(scope);
      const first = screen.getByRole('group', { name: 'Hunk 1 of long.txt' });
      await expect.element(first).toBeVisible();
      const edit = first.getByRole('button', { name: 'Edit', exact: true });
      if (scope.type === 'turn') await expect.element(edit).toBeVisible();
      else await expect.element(edit).not.toBeInTheDocument();
      await screen.getByRole('button', { name: 'Show 20 more above hunk 1 of long.txt' }).click();
      await expect.element(screen.getByText('line 80', { exact: true })).toBeInTheDocument();
      await expect.element(screen.getByRole('group', { name: 'Pictures of logo.png' })).toBeVisible();
      await expect.element(screen.getByRole('group', { name: 'Cells of a.ipynb' })).toBeVisible();
      for (const method of ['review/around', 'review/pictures', 'review/notebook'])
        await expect.poll(() => askedFor(backend, method).at(-1)).toMatchObject({ scope });
    }
    await checkAxe();
  });
});

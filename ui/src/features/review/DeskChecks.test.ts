import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import { RequestError } from '../../backend/backend';
import type { Checked } from '../../protocol/Checked';
import type { TaskCheck } from '../../protocol/TaskCheck';
import { askedFor, checkAxe } from '../../testing';
import { desk, ID } from './atDesk';
import { fix, overReview } from './sample';

beforeEach(async () => {
  await page.viewport(900, 800);
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
        check('just', { outcome: 'stopped', code: null }),
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
    // What counts and came to its end is not run again.
    const again = checks.getByRole('button', { name: /^Run again/ }).elements();
    expect(again.map((button) => button.ariaLabel)).toEqual(['Run again make…', 'Run again just…']);
    expect(checks.element().getBoundingClientRect().height).toBeLessThan(40);
    await checks.getByRole('button', { name: /cargo test/ }).click();
    expect(sought).toEqual(['item cargo test']);
    await checkAxe();
  });

  /** A stale check, and how it runs again: when the test lets it end. */
  function again(answer: Partial<Checked> = {}) {
    const cwd = 'crates/money';
    let now = [check('cargo test\n--all', { cwd, stale: true, outcome: 'failed', code: 1 })];
    let end = () => {};
    const backend = fakeBackend({
      ...overReview(() => fix()),
      'review/checks': () => now,
      'review/check': async () => {
        await new Promise<void>((ended) => (end = ended));
        if (!answer.changed) now = [check('cargo test\n--all', { cwd, item_id: 'again' })];
        return { passed: true, code: 0, output: '', duration_ms: 5, changed: 0, ...answer };
      },
      'attempts/stop_check': () => ({}),
    });
    return { backend, end: () => end() };
  }

  test('that no longer count run again by a click that saw the whole command, and then count', async () => {
    const { backend, end } = again();
    const screen = await desk([], backend);
    const checks = screen.getByRole('list', { name: 'Checks' });
    await checks.getByRole('button', { name: 'Run again cargo test --all…' }).click();
    const dialog = screen.getByRole('dialog', { name: 'Run this check again?' });
    await expect.element(dialog.getByText('cargo test --all')).toBeVisible();
    await expect.element(dialog.getByText(/sandboxed, and writes only there/)).toBeVisible();
    await expect.element(dialog.getByText('/projects/ledgerd/crates/money')).toBeVisible();
    await checkAxe();
    // No key that was on its way begins it.
    await userEvent.keyboard('{Enter} y');
    await expect.element(dialog).toBeVisible();
    expect(askedFor(backend, 'review/check')).toEqual([]);
    await dialog.getByRole('button', { name: 'Run' }).click();
    await expect.element(checks.getByRole('button', { name: /cargo test --all runs…/ })).toBeVisible();
    await expect.element(checks.getByRole('button', { name: /Run again/ })).not.toBeInTheDocument();
    expect(askedFor(backend, 'review/check')).toEqual([
      { session_id: ID, command: 'cargo test\n--all', cwd: 'crates/money' },
    ]);
    await checks.getByRole('button', { name: 'Stop cargo test --all' }).click();
    expect(askedFor(backend, 'attempts/stop_check')).toEqual([{ task_id: `task-${ID}` }]);
    end();
    await expect.element(checks.getByRole('button', { name: /cargo test --all passed$/ })).toBeVisible();
    await checkAxe();
  });

  test('that change files tell that they say nothing', async () => {
    const { backend, end } = again({ changed: 2 });
    const screen = await desk([], backend);
    await screen.getByRole('button', { name: /^Run again/ }).click();
    await screen.getByRole('button', { name: 'Run', exact: true }).click();
    await expect.element(screen.getByText(/runs…/)).toBeVisible();
    end();
    await expect.element(screen.getByText(/The check changed 2 files/)).toBeVisible();
    await checkAxe();
    await screen.getByRole('button', { name: 'Dismiss' }).click();
    await expect.element(screen.getByText(/The check changed 2 files/)).not.toBeInTheDocument();
  });

  test('are not offered while the agent works, and one that was asked about waits', async () => {
    const { backend } = again();
    const screen = await desk([], backend);
    await screen.getByRole('button', { name: /^Run again/ }).click();
    screen.kerf.task!.conversation.running = true;
    await expect.element(screen.getByText('The agent works: wait until its turn ends.')).toBeVisible();
    await expect.element(screen.getByRole('button', { name: 'Run', exact: true })).toBeDisabled();
    await screen.getByRole('button', { name: 'Cancel' }).click();
    await expect.element(screen.getByRole('button', { name: /^Run again/ })).not.toBeInTheDocument();
    expect(askedFor(backend, 'review/check')).toEqual([]);
  });

  test('that do not run are told of', async () => {
    const backend = fakeBackend({
      ...overReview(() => fix()),
      'review/checks': () => [check('make', { stale: true })],
      'review/check': () => {
        throw new RequestError({ code: 'denied', message: 'a rule denies this command', hint: '' });
      },
    });
    const screen = await desk([], backend);
    await screen.getByRole('button', { name: /^Run again/ }).click();
    await screen.getByRole('button', { name: 'Run', exact: true }).click();
    await expect.element(screen.getByText(/did not run: a rule denies this command/)).toBeVisible();
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

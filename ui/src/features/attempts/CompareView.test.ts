import { beforeEach, describe, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { fakeBackend, type Handlers } from '../../backend/fake';
import { RequestError } from '../../backend/backend';
import { overlaps } from '../../overlaps';
import type { TakeAttempts } from '../../protocol/TakeAttempts';
import type { TakePreview } from '../../protocol/TakePreview';
import type { TriedAttempts } from '../../protocol/TriedAttempts';
import { abreast } from '../../state/attempts.svelte';
import { askedFor, checkAxe, mountWith } from '../../testing';
import CompareView from './CompareView.svelte';
import { attempt, comparison, file, hunk } from './sample';

beforeEach(() => page.viewport(1440, 900));

const PREVIEW: TakePreview = {
  planned: 'as shown',
  files: [
    {
      path: 'src/money.rs',
      attempts: [1, 2],
      conflict: null,
      change: file('src/money.rs', hunk(1, 3, ['-    up();', '+    half_even();'])),
    },
  ],
};

async function open(handlers: Handlers = {}, compared = comparison()) {
  const backend = fakeBackend({
    'attempts/compare': () => structuredClone(compared),
    'attempts/preview': () => PREVIEW,
    'attempts/take': () => ({
      decided: [
        { session_id: 'attempt-1', decision_id: 4, hunks: 1, written: ['src/money.rs'] },
        { session_id: 'attempt-2', decision_id: 9, hunks: 1, written: ['src/money.rs'] },
      ],
      written: ['src/money.rs'],
    }),
    'review/undo': ({ session_id }) => ({ session_id, decision_id: 4, hunks: 1, written: [] }),
    'attempts/stop_check': () => ({}),
    ...handlers,
  });
  const mounted = await mountWith(CompareView, { backend, prepare: (kerf) => kerf.attempts.open('task') });
  return { ...mounted, backend };
}

const take = (backend: ReturnType<typeof fakeBackend>, method = 'attempts/take') =>
  askedFor(backend, method).at(-1) as TakeAttempts;

describe('attempts beside each other', () => {
  test('say what each made, checked and used', async () => {
    const { getByRole, container } = await open();
    const first = getByRole('article').nth(0);
    await expect.element(first).toHaveTextContent(/1 qwen3-coder.*done/);
    await expect.element(first).toHaveTextContent('2 files +4 −2');
    await expect.element(first).toHaveTextContent(/passed:.*cargo test -p money/);
    await expect.element(first).toHaveTextContent('2:14 · $0.12');
    await expect
      .element(getByRole('article').nth(1))
      .toHaveTextContent(/failed with exit code 101:.*cargo clippy/);
    await expect.element(getByRole('article').nth(2)).toHaveTextContent('it has used 21,000 of its 20,000');
    await expect.element(getByRole('region', { name: 'src/money.rs' })).toHaveTextContent('same in 1 and 3');
    // The same change is marked where it stands, also where the file as a whole differs.
    const boxes = (of: number) =>
      getByRole('checkbox', { name: `Hunk 1 of src/money.rs of attempt ${of}`, exact: true });
    await expect.element(boxes(1)).toHaveTextContent('as in 3');
    await expect.element(boxes(2)).not.toHaveTextContent('as in');
    await expect.element(getByRole('region', { name: 'tests/rounding.rs' })).toHaveTextContent('only in 2');
    await checkAxe(container);
  });

  test('are told while they work, fail, wait, or changed nothing', async () => {
    const compared = comparison({
      files: [],
      attempts: [
        attempt(1, { state: 'running', files: 0, checks: [] }),
        attempt(2, { state: 'queued', files: 0, checks: [] }),
        attempt(3, { state: 'failed', files: 0, checks: [], stopped: 'the endpoint refused the key' }),
        attempt(4, { state: 'interrupted', files: 0, checks: [], problem: 'its folder is gone' }),
      ],
    });
    const { getByRole, getByText, container } = await open({}, compared);
    await expect.element(getByText('No attempt has changed a file yet')).toBeVisible();
    await expect.element(getByText('Attempts still work; this follows them')).toBeVisible();
    for (const [at, words] of [
      /works.*Nothing changed yet/,
      /waits for its turn/,
      /failed.*the endpoint refused the key.*Changed nothing/,
      /interrupted.*its folder is gone.*Cannot be looked at/,
    ].entries())
      await expect.element(getByRole('article').nth(at)).toHaveTextContent(words);
    await checkAxe(container);
  });

  test('cannot be compared: the failure has a way on', async () => {
    let broken = true;
    const { getByRole, container } = await open({
      'attempts/compare': () => {
        if (!broken) return comparison();
        throw new RequestError({ code: 'not_found', message: 'there is no task', hint: '' });
      },
    });
    await expect.element(getByRole('alert')).toHaveTextContent('there is no task');
    await checkAxe(container);
    broken = false;
    await getByRole('button', { name: 'Look again' }).click();
    await expect.element(getByRole('article').first()).toBeVisible();
  });

  test('are reached by keys: numbers, arrows, Space', async () => {
    const { getByRole, backend } = await open();
    const box = (name: string) => getByRole('checkbox', { name, exact: true });
    box('Hunk 1 of src/money.rs of attempt 1').element().focus();
    await userEvent.keyboard('2');
    await expect.element(box('Hunk 1 of src/money.rs of attempt 2')).toHaveFocus();
    await userEvent.keyboard('{ArrowDown}');
    await expect.element(box('Hunk 2 of src/money.rs of attempt 2')).toHaveFocus();
    await userEvent.keyboard(' {ArrowDown}');
    await expect.element(box('Hunk 1 of tests/rounding.rs of attempt 2')).toHaveFocus();
    await userEvent.keyboard('{ArrowLeft}');
    await expect.element(box('Hunk 1 of src/money.rs of attempt 1')).toHaveFocus();
    await userEvent.keyboard(' {ArrowRight}{ArrowUp}');
    await expect.element(getByRole('region', { name: 'What is taken' })).toHaveTextContent('2 hunks picked');
    expect(take(backend, 'attempts/preview').picks).toEqual([
      { session_id: 'attempt-1', target: { type: 'all' } },
      { session_id: 'attempt-2', target: { type: 'hunk', path: 'src/money.rs', hunk: 2, id: 20 } },
    ]);
  });

  test('give a file, or all', async () => {
    const { getByRole, kerf } = await open();
    await getByRole('button', { name: 'Take file src/money.rs of attempt 2' }).click();
    expect(kerf.attempts.picks).toEqual([
      { session_id: 'attempt-2', target: { type: 'file', path: 'src/money.rs' } },
    ]);
    await getByRole('button', { name: '2 of 3 of attempt 2' }).click();
    expect(kerf.attempts.picks).toEqual([{ session_id: 'attempt-2', target: { type: 'all' } }]);
    await getByRole('button', { name: '✓ All of attempt 2' }).click();
    expect(kerf.attempts.picks).toEqual([]);
  });

  test('a conflict is named before anything is written', async () => {
    const words = 'attempts 1 and 2 change line 4 of src/money.rs differently';
    const { getByRole, backend, container } = await open({
      'attempts/preview': () => ({
        planned: 'in conflict',
        files: [{ path: 'src/money.rs', attempts: [1, 2], conflict: words, change: null }],
      }),
    });
    await getByRole('button', { name: 'Take all of attempt 1' }).click();
    await getByRole('checkbox', { name: 'Hunk 1 of src/money.rs of attempt 2', exact: true }).click();
    await expect.element(getByRole('alert')).toHaveTextContent(words);
    await expect.element(getByRole('button', { name: 'Apply to your folder' })).toBeDisabled();
    await checkAxe(container);
    await getByRole('button', { name: 'Preview…' }).click();
    await expect.element(getByRole('dialog')).toHaveTextContent(words);
    await expect
      .element(getByRole('dialog').getByRole('button', { name: 'Apply to your folder' }))
      .toBeDisabled();
    expect(askedFor(backend, 'attempts/take')).toEqual([]);
  });

  test('are previewed, applied, checked and taken back', async () => {
    const { getByRole, getByText, backend, container } = await open({
      'attempts/check': ({ command }) =>
        command === 'cargo test -p money'
          ? { passed: false, code: 101, output: 'test rounds ... FAILED', duration_ms: 900, changed: 0 }
          : { passed: true, code: 0, output: '', duration_ms: 1, changed: 0 },
    });
    await getByRole('button', { name: 'Take all of attempt 1' }).click();
    await getByRole('button', { name: 'Preview…' }).click();
    const dialog = getByRole('dialog', { name: 'What your folder becomes' });
    await expect.element(dialog).toHaveTextContent('of 1 and 2');
    await expect.element(dialog).toHaveTextContent('half_even();');
    await checkAxe(container);
    await dialog.getByRole('button', { name: 'Apply to your folder' }).click();
    await expect.element(getByText(/1 file written in/)).toBeVisible();
    expect(take(backend)).toEqual({
      task_id: 'task',
      picks: [{ session_id: 'attempt-1', target: { type: 'all' } }],
      planned: 'as shown',
    });
    // A check that passed is offered once, with those that saw it pass.
    const checks = getByRole('group', { name: 'Checks on what was taken' });
    await expect.element(checks).toHaveTextContent('passed in 1 and 2');
    await checks.getByRole('button', { name: 'Run cargo test -p money' }).click();
    await expect.element(checks).toHaveTextContent('failed with exit code 101');
    await expect.element(checks).toHaveTextContent('test rounds ... FAILED');
    expect(askedFor(backend, 'attempts/check')).toHaveLength(1);
    await checkAxe(container);
    await getByRole('button', { name: 'Undo' }).click();
    await expect.element(getByText(/written in/)).not.toBeInTheDocument();
    expect(askedFor(backend, 'review/undo')).toEqual([
      { session_id: 'attempt-2' },
      { session_id: 'attempt-1' },
    ]);
  });

  test('what would be applied is checked first', async () => {
    let outcomes: TriedAttempts = {
      planned: 'as shown',
      notes: ['node_modules was not brought: the file system cannot clone it'],
      checks: [{ passed: false, code: 101, output: 'test rounds ... FAILED', duration_ms: 900, changed: 0 }],
    };
    let end = () => {};
    const held = new Promise<void>((done) => (end = done));
    const { getByRole, backend, container } = await open({
      'attempts/try': async () => {
        await held;
        return outcomes;
      },
      'attempts/stop_check': () => ({}),
    });
    await getByRole('button', { name: 'Take all of attempt 1' }).click();
    await getByRole('button', { name: 'Preview…' }).click();
    const checks = getByRole('region', { name: 'Checks before it is applied' });
    await expect.element(checks).toHaveTextContent('cargo test -p money');
    await checks.getByRole('button', { name: 'Run checks' }).click();
    await expect.element(checks).toHaveTextContent('runs…');
    await checks.getByRole('button', { name: 'Stop' }).click();
    expect(askedFor(backend, 'attempts/stop_check')).toEqual([{ task_id: 'task' }]);
    end();
    await expect.element(checks).toHaveTextContent('failed with exit code 101');
    await expect.element(checks).toHaveTextContent('test rounds ... FAILED');
    await expect.element(checks).toHaveTextContent('node_modules was not brought');
    expect(askedFor(backend, 'attempts/try')).toEqual([
      {
        task_id: 'task',
        picks: [{ session_id: 'attempt-1', target: { type: 'all' } }],
        checks: [{ command: 'cargo test -p money', cwd: undefined }],
      },
    ]);
    await checkAxe(container);
    const passed = { passed: true, code: 0, output: '', duration_ms: 1, changed: 0 };
    outcomes = { planned: 'as shown', notes: [], checks: [passed] };
    await checks.getByRole('button', { name: 'Run again' }).click();
    await expect.element(checks).toHaveTextContent('✓ passed');
    expect(askedFor(backend, 'attempts/take')).toEqual([]);
    // What is picked later was not checked.
    await getByRole('dialog').getByRole('button', { name: 'Back' }).click();
    await getByRole('checkbox', { name: 'Hunk 2 of src/money.rs of attempt 2', exact: true }).click();
    await getByRole('button', { name: 'Preview…' }).click();
    await expect.element(checks.getByRole('button', { name: 'Run checks' })).toBeVisible();
  });

  test('outcomes stay with their commands, and only while the same would be taken', async () => {
    const compared = comparison();
    let planned = 'as shown';
    const { getByRole, kerf, container } = await open(
      {
        'attempts/preview': () => ({ ...PREVIEW, planned }),
        'attempts/try': () => ({
          planned: 'as shown',
          notes: [],
          checks: [{ passed: true, code: 0, output: '', duration_ms: 1, changed: 0 }],
        }),
      },
      compared,
    );
    await getByRole('button', { name: 'Take all of attempt 1' }).click();
    await getByRole('button', { name: 'Preview…' }).click();
    const checks = getByRole('region', { name: 'Checks before it is applied' });
    await expect.element(checks).toHaveTextContent('in the sandbox, without a network');
    await checks.getByRole('button', { name: 'Run checks' }).click();
    await expect.element(checks).toHaveTextContent(/cargo test -p money.*✓ passed/);
    // Attempt 1 works on, and passes another check; its sandbox is off.
    const first = compared.attempts[0]!;
    first.session.policy.sandbox = 'off';
    first.checks.unshift({ ...first.checks[0]!, command: 'make lint', passed: true });
    await kerf.attempts.load();
    await expect.element(checks).toHaveTextContent(/make lint.*not run.*cargo test -p money.*✓ passed/);
    await expect
      .element(checks)
      .toHaveTextContent('not sandboxed: the sandbox of the attempts that ran them is off');
    await checkAxe(container);
    // What would be taken is another thing now.
    planned = 'changed since';
    await kerf.attempts.load();
    await expect.element(checks).not.toHaveTextContent('✓ passed');
    await expect.element(checks).toHaveTextContent('The files changed since the checks began');
    await expect.element(checks.getByRole('button', { name: 'Run again' })).toBeVisible();
  });

  test('checks of files that changed meanwhile are shown with what would be taken now, or told to be old', async () => {
    // What the preview and the checks see, one after the other.
    const previews = ['as shown', 'edited', 'edited once more'];
    const tries = ['edited', 'edited', 'edited once more'];
    let look = () => {};
    const held = new Promise<void>((done) => (look = done));
    const { getByRole, getByText, backend, container } = await open({
      'attempts/preview': async () => {
        const planned = previews.shift()!;
        if (planned === 'edited') await held;
        return { ...PREVIEW, planned };
      },
      'attempts/try': () => ({
        planned: tries.shift()!,
        notes: [],
        checks: [{ passed: true, code: 0, output: '', duration_ms: 1, changed: 0 }],
      }),
    });
    await getByRole('button', { name: 'Take all of attempt 1' }).click();
    await getByRole('button', { name: 'Preview…' }).click();
    const checks = getByRole('region', { name: 'Checks before it is applied' });
    await checks.getByRole('button', { name: 'Run checks' }).click();
    // Until that is known, nothing is said of the files.
    await expect.element(getByText('Trying it')).toBeVisible();
    look();
    await expect.element(checks).toHaveTextContent('✓ passed');
    await expect.element(checks).not.toHaveTextContent('The files changed');
    expect(askedFor(backend, 'attempts/preview')).toHaveLength(2);
    // Asked for once more: the checks ran on what was there before.
    previews.unshift('edited while they ran');
    tries[0] = 'another';
    await checks.getByRole('button', { name: 'Run again' }).click();
    await expect.element(checks).toHaveTextContent('The files changed since the checks began');
    await expect.element(checks).not.toHaveTextContent('✓ passed');
    await checkAxe(container);
    await checks.getByRole('button', { name: 'Run again' }).click();
    await expect.element(checks).toHaveTextContent('✓ passed');
    await expect.element(checks).not.toHaveTextContent('The files changed');
    expect(askedFor(backend, 'attempts/preview')).toHaveLength(4);
  });

  test('an undo that fails in the middle goes on with what is left', async () => {
    let refuse = true;
    const { getByRole, kerf, backend } = await open({
      'review/undo': ({ session_id }) => {
        if (session_id === 'attempt-1' && refuse)
          throw new RequestError({ code: 'conflict', message: 'the lines changed since', hint: '' });
        return { session_id, decision_id: 4, hunks: 1, written: [] };
      },
    });
    await getByRole('button', { name: 'Take all of attempt 1' }).click();
    await getByRole('button', { name: 'Apply to your folder' }).click();
    await getByRole('button', { name: 'Undo' }).click();
    await expect.element(getByRole('alert')).toHaveTextContent('the lines changed since');
    refuse = false;
    await getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => kerf.attempts.taken).toBe(null);
    // What was decided in the second attempt before is not taken back.
    expect(askedFor(backend, 'review/undo')).toEqual([
      { session_id: 'attempt-2' },
      { session_id: 'attempt-1' },
      { session_id: 'attempt-1' },
    ]);
  });

  test('one that works or waits is stopped from here', async () => {
    const attempts = [attempt(1), attempt(2, { state: 'running' }), attempt(3, { state: 'queued' })];
    const { getByRole, backend } = await open({ 'session/cancel': () => ({}) }, comparison({ attempts }));
    await expect.element(getByRole('button', { name: 'Stop attempt 1' })).not.toBeInTheDocument();
    await getByRole('button', { name: 'Stop attempt 2' }).click();
    await getByRole('button', { name: 'Stop attempt 3' }).click();
    expect(askedFor(backend, 'session/cancel')).toEqual([
      { session_id: 'attempt-2' },
      { session_id: 'attempt-3' },
    ]);
  });

  test('a check that runs can be stopped', async () => {
    let end = () => {};
    const ended = new Promise<void>((done) => (end = done));
    const { getByRole, kerf, backend } = await open({
      'attempts/check': async () => {
        await ended;
        return { passed: false, code: null, output: '', duration_ms: 1, changed: 0 };
      },
      'attempts/stop_check': () => {
        end();
        return {};
      },
    });
    await getByRole('button', { name: 'Take all of attempt 1' }).click();
    await getByRole('button', { name: 'Apply to your folder' }).click();
    await getByRole('button', { name: 'Run cargo test -p money' }).click();
    await getByRole('button', { name: 'Stop' }).click();
    await expect
      .element(getByRole('group', { name: 'Checks on what was taken' }))
      .toHaveTextContent('stopped');
    expect(askedFor(backend, 'attempts/stop_check')).toEqual([{ task_id: 'task' }]);
    expect(kerf.attempts.checking).toBe(null);
  });

  test('a hunk that is gone is not picked any more', async () => {
    const compared = comparison();
    let now = compared;
    const { getByRole, kerf } = await open({ 'attempts/compare': () => now });
    await getByRole('button', { name: 'Take all of attempt 2' }).click();
    expect(kerf.attempts.picked.size).toBe(3);
    now = { ...compared, files: compared.files.slice(1) };
    await kerf.attempts.load();
    expect(kerf.attempts.picked.size).toBe(1);
  });

  test('eight columns scroll at 900 pixels, and no text lies on another', async () => {
    const attempts = Array.from({ length: 8 }, (_, at) => attempt(at + 1));
    const many = Array.from({ length: 6 }, (_, at) => ({
      path: `src/a_folder_with_a_long_name/file_${at}.rs`,
      attempts: attempts.map((_, n) =>
        n === at % 8 ? null : file(`f${at}`, hunk(1, 1, ['-old', `+new ${'x'.repeat(200)}`])),
      ),
      same: [[0, 1]],
    }));
    await page.viewport(900, 700);
    const { container, getByRole } = await open({}, comparison({ attempts, files: many }));
    await expect.element(getByRole('article').nth(7)).toBeInTheDocument();
    const scroll = container.querySelector<HTMLElement>('.scroll');
    expect(scroll && scroll.scrollWidth > scroll.clientWidth).toBe(true);
    expect(document.documentElement.scrollWidth).toBe(900);
    expect(overlaps(container)).toEqual([]);
    // The eighth is brought into view by its number.
    getByRole('checkbox').first().element().focus();
    await userEvent.keyboard('8');
    await expect.poll(() => scroll?.scrollLeft).toBeGreaterThan(900);
    await checkAxe(container);
  });
});

test('hunks that touch the same lines stand beside each other', () => {
  const a = hunk(1, 1, [' a', '-b', '-c']);
  const b = hunk(1, 3, ['-c', '+C']);
  const c = hunk(2, 9, [' x', '+y']);
  const rows = abreast([file('f', a), null, file('f', b, c)]);
  expect(rows).toEqual([
    [[a], [], [b]],
    [[], [], [c]],
  ]);
});

import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import { RequestError } from '../../backend/backend';
import { OpenTask } from '../../state/kerf.svelte';
import type { ReadHunks } from '../../protocol/ReadHunks';
import { askedFor, checkAxe, mountWith } from '../../testing';
import { ID, MONEY, decisions, desk, engine } from './atDesk';
import ReviewDesk from './ReviewDesk.svelte';
import { file, fix, hunk, large, overReview } from './sample';

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

  test('are spelled where a word is wholly of another script, and named by what it looks like', async () => {
    const word = '\u0441\u043e\u0440\u0443';
    const files = overReview(() => [file('a.ts', [hunk(1, [' copy(a);', `+${word}(b);`])])]);
    const backend = fakeBackend({
      ...files,
      'review/outline': async (params) => {
        const outline = await files['review/outline']!(params);
        const twin = { word, like: 'copy' };
        for (const { hunks } of outline.files)
          for (const hunk of hunks) Object.assign(hunk, { twin, disguised: true });
        return outline;
      },
    });
    const screen = await desk([], backend);
    const told = /Holds the word ‹U\+0441›‹U\+043E›‹U\+0440›‹U\+0443›, which looks like “copy” of this file/;
    await expect.element(screen.getByText(told)).toBeVisible();
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

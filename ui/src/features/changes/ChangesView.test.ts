import { tick } from 'svelte';
import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, test } from 'vitest';
import { RequestError } from '../../backend/backend';
import { fakeBackend, type FakeBackend } from '../../backend/fake';
import type { ChangeDiff } from '../../protocol/ChangeDiff';
import type { ChangedPath } from '../../protocol/ChangedPath';
import type { GitRun } from '../../protocol/GitRun';
import type { StageChange } from '../../protocol/StageChange';
import type { WorkingChanges } from '../../protocol/WorkingChanges';
import type { Kerf } from '../../state/kerf.svelte';
import { askedFor, checkAxe, mountWith, project, session } from '../../testing';
import ChangesView from './ChangesView.svelte';
import { OpenTask } from '../../state/kerf.svelte';
import GitDialogs from './GitDialogs.svelte';

const clean: WorkingChanges = {
  repository: true,
  branch: 'main',
  commit: '1234567890',
  last_message: 'Say hello\n\nIt is polite.\n',
  pushed: false,
  under_way: null,
  programs: [],
  staged: [],
  unstaged: [],
  more: 0,
};

const diffOf = (path: string): ChangeDiff => ({
  path,
  token: `token of ${path}`,
  note: '',
  hunks: [1, 40].map((at) => ({
    header: `@@ -${at},1 +${at},1 @@`,
    lines: [
      { kind: 'removed', old: at, new: null, text: `old ${at}` },
      { kind: 'added', old: null, new: at, text: `new ${at}` },
    ],
  })),
});

/** An engine that moves whole files, and answers hunks with nothing left of them. */
function engine(start: Partial<WorkingChanges>, more: Parameters<typeof fakeBackend>[0] = {}) {
  let now: WorkingChanges = { ...clean, ...start };
  return fakeBackend({
    'git/status': () => now,
    'git/diff': ({ path }) => diffOf(path),
    'git/stage': ({ paths, from, hunks }: StageChange) => {
      if (!hunks) {
        const to = from === 'staged' ? 'unstaged' : 'staged';
        const moved = now[from].filter(({ path }) => paths.includes(path));
        now = {
          ...now,
          [from]: now[from].filter(({ path }) => !paths.includes(path)),
          [to]: [...now[to], ...moved],
        };
      }
      return now;
    },
    'git/commit': () => {
      now = { ...now, staged: [] };
      return { oid: 'abcdef1234567890', replaced: null, not_run: [] };
    },
    'git/draft_message': () => ({ text: 'Say more', left_out: '.env is withheld' }),
    'project/status': () => ({ branch: 'main', ahead: 0, behind: 0 }),
    ...more,
  });
}

async function view(backend: FakeBackend) {
  const screen = await mountWith(ChangesView, {
    backend,
    prepare: (kerf) => {
      kerf.project = project();
    },
  });
  await expect.element(screen.getByRole('heading', { name: /^Staged/ })).toBeVisible();
  return screen;
}

const file = (path: string, how: ChangedPath['how'] = 'modified'): ChangedPath => ({ path, how });

beforeEach(async () => {
  await page.viewport(700, 800);
});

describe('what is not committed', () => {
  test('is staged and unstaged, by file and all at once', async () => {
    const backend = engine({ unstaged: [file('a.txt'), file('new.txt', 'untracked')] });
    const screen = await view(backend);
    await screen.getByRole('button', { name: 'Stage a.txt', exact: true }).click();
    await expect.element(screen.getByRole('button', { name: 'Unstage a.txt' })).toBeVisible();
    await screen.getByRole('button', { name: 'Stage all', exact: true }).click();
    await expect.element(screen.getByRole('heading', { name: 'Staged 2 files', exact: true })).toBeVisible();
    await screen.getByRole('button', { name: 'Unstage all' }).click();
    await expect.element(screen.getByText('Nothing is staged.')).toBeVisible();
    await checkAxe(screen.container);
  });

  test('is staged by hunk, with the keys of the review', async () => {
    const backend = engine({ unstaged: [file('a.txt')], staged: [file('b.txt')] });
    const screen = await view(backend);
    await screen.getByRole('button', { name: /modified a\.txt/ }).click();
    await expect.element(screen.getByText('new 40')).toBeVisible();
    await checkAxe(screen.container);
    await screen.getByRole('button', { name: 'Stage hunk 2 of a.txt' }).click();
    expect(askedFor(backend, 'git/stage')).toMatchObject([
      { paths: ['a.txt'], from: 'unstaged', hunks: { token: 'token of a.txt', hunks: [1] } },
    ]);
    screen.kerf.changes.current = null;
    // First the staged file, then the two hunks.
    const { changes } = screen.kerf;
    for (const id of ['changes.next', 'changes.unstage']) screen.actions.run(id);
    await expect
      .poll(() => askedFor(backend, 'git/stage').at(-1))
      .toMatchObject({ paths: ['b.txt'], from: 'staged' });
    await expect.poll(() => changes.busy).toBe(false);
    changes.current = { side: 'unstaged', path: 'a.txt', hunk: 0 };
    screen.actions.run('changes.stage');
    await expect
      .poll(() => askedFor(backend, 'git/stage').at(-1))
      .toMatchObject({ paths: ['a.txt'], hunks: { hunks: [0] } });
  });

  test('is one file of two names when it was renamed, staged with both', async () => {
    const renamed: ChangedPath = { path: 'lib/new.rs', how: 'renamed', from: 'src/old.rs' };
    const backend = engine({ unstaged: [renamed] });
    const screen = await view(backend);
    await screen.getByRole('button', { name: 'renamed src/old.rs → lib/new.rs' }).click();
    await expect.element(screen.getByText('new 40')).toBeVisible();
    expect(askedFor(backend, 'git/diff').at(-1)).toMatchObject({ path: 'lib/new.rs', from: 'src/old.rs' });
    await checkAxe(screen.container);
    await screen.getByRole('button', { name: 'Stage hunk 2 of lib/new.rs' }).click();
    await expect
      .poll(() => askedFor(backend, 'git/stage'))
      .toMatchObject([{ paths: ['lib/new.rs'], hunks: { hunks: [1], renamed_from: 'src/old.rs' } }]);
    await screen.getByRole('button', { name: 'Stage all', exact: true }).click();
    await expect
      .poll(() => askedFor(backend, 'git/stage').at(-1))
      .toMatchObject({ paths: ['src/old.rs', 'lib/new.rs'], hunks: null });
  });

  test('is told to be stale where it is', async () => {
    const stale = () => {
      throw new RequestError({
        code: 'conflict',
        message: '`a.txt` has changed since it was shown',
        hint: '',
      });
    };
    const screen = await view(engine({ unstaged: [file('a.txt')] }, { 'git/stage': stale }));
    await screen.getByRole('button', { name: 'Stage a.txt' }).click();
    await expect.element(screen.getByText(/has changed since it was shown/)).toBeVisible();
    await checkAxe(screen.container);
  });
});

describe('the commit', () => {
  test('takes what is staged, with the message', async () => {
    const backend = engine({ staged: [file('a.txt')] });
    const screen = await view(backend);
    const commit = screen.getByRole('button', { name: /^Commit 1 file/ });
    await expect.element(commit).toBeDisabled();
    await screen.getByLabelText('Commit message').fill('Say more');
    await commit.click();
    await expect.element(screen.getByText('abcdef12')).toBeVisible();
    expect(askedFor(backend, 'git/commit')).toMatchObject([
      { message: 'Say more', amend: false, without_programs: false },
    ]);
    await expect.element(screen.getByLabelText('Commit message')).toHaveValue('');
  });

  test('goes without hooks only by a click that says so', async () => {
    const backend = engine({ staged: [file('a.txt')], programs: ['the hook pre-commit'] });
    const screen = await view(backend);
    await screen.getByLabelText('Commit message').fill('Say more');
    await userEvent.keyboard('{Control>}{Enter}{/Control}');
    expect(askedFor(backend, 'git/commit')).toEqual([]);
    await expect.element(screen.getByText(/Git would also run the hook pre-commit/)).toBeVisible();
    await screen.getByRole('button', { name: /without them/ }).click();
    await expect.poll(() => askedFor(backend, 'git/commit')).toMatchObject([{ without_programs: true }]);
  });

  test('waits with its message while another folder is worked in', async () => {
    const backend = engine({ staged: [file('a.txt')] });
    const screen = await view(backend);
    const { changes, folder } = screen.kerf;
    await screen.getByRole('button', { name: 'Draft' }).click();
    await expect.element(screen.getByLabelText('Commit message')).toHaveValue('Say more');
    await screen.getByLabelText('Amend the last commit').click();
    await changes.show('/a worktree');
    await expect.element(screen.getByLabelText('Commit message')).toHaveValue('');
    await expect.element(screen.getByLabelText('Amend the last commit')).not.toBeChecked();
    await expect.element(screen.getByText(/\.env is withheld/)).not.toBeInTheDocument();
    await changes.show(folder);
    await expect.element(screen.getByLabelText('Commit message')).toHaveValue('Say more');
    await expect.element(screen.getByLabelText('Amend the last commit')).toBeChecked();
    await expect.element(screen.getByText(/\.env is withheld/)).toBeVisible();
  });

  test('that ends while another folder is worked in is begun no more; what was begun there stays', async () => {
    let end = () => {};
    const held = new Promise<void>((done) => (end = done));
    const backend = engine(
      { staged: [file('a.txt')] },
      {
        'git/commit': async () => {
          await held;
          return { oid: 'abcdef1234567890', replaced: null, not_run: [] };
        },
      },
    );
    const screen = await view(backend);
    const { changes, folder } = screen.kerf;
    const message = screen.getByLabelText('Commit message');
    const amend = screen.getByLabelText('Amend the last commit');
    await screen.getByRole('button', { name: 'Draft' }).click();
    await expect.element(screen.getByText(/\.env is withheld/)).toBeVisible();
    await amend.click();
    await screen.getByRole('button', { name: /^Amend/ }).click();
    await expect.poll(() => askedFor(backend, 'git/commit')).toHaveLength(1);
    await changes.show('/a worktree');
    await message.fill('Of the worktree');
    end();
    await expect.poll(() => changes.busy).toBe(false);
    await expect.element(message).toHaveValue('Of the worktree');
    await expect.element(screen.getByText(/^Committed/)).not.toBeInTheDocument();
    await changes.show(folder);
    await expect.element(message).toHaveValue('');
    await expect.element(amend).not.toBeChecked();
    await expect.element(screen.getByText(/\.env is withheld/)).not.toBeInTheDocument();
    await changes.show('/a worktree');
    await expect.element(message).toHaveValue('Of the worktree');
  });

  test('leaves the message of the next one that was begun meanwhile', async () => {
    let end = () => {};
    const held = new Promise<void>((done) => (end = done));
    const answer = { oid: 'abcdef1234567890', replaced: null, not_run: [] };
    const backend = engine({ staged: [file('a.txt')] }, { 'git/commit': () => held.then(() => answer) });
    const screen = await view(backend);
    const message = screen.getByLabelText('Commit message');
    await message.fill('Say more');
    await screen.getByRole('button', { name: /^Commit 1 file/ }).click();
    await message.fill('Say even more');
    end();
    await expect.element(screen.getByText('abcdef12')).toBeVisible();
    await expect.element(message).toHaveValue('Say even more');
  });

  test('of git’s own that ends while another folder is worked in is begun no more', async () => {
    const act = { type: 'commit', message: 'Say more', amend: false } as const;
    const run = { id: 1, act, argv: ['git', 'commit'], output: '', prompt: null };
    const ended: Record<string, GitRun['end']> = {};
    const begun = new Set<string>();
    const backend = engine(
      { staged: [file('a.txt')], programs: ['the hook pre-commit'] },
      {
        'git/preview': ({ folder }) => ({ argv: run.argv, folder, words: '', remote: null, programs: [] }),
        'git/run': ({ folder }) => {
          begun.add(folder);
          return { ...run, end: null };
        },
        'git/running': ({ folder }) => (begun.has(folder) ? { ...run, end: ended[folder] ?? null } : null),
      },
    );
    const screen = await view(backend);
    const { kerf } = screen;
    const message = screen.getByLabelText('Commit message');
    await message.fill('Say more');
    await screen.getByRole('button', { name: 'Commit with them…' }).click();
    await kerf.git.begin();
    expect(kerf.git.running).toBe(true);
    // The same words stand in another folder, where nothing was committed.
    kerf.project = project({ path: '/a worktree' });
    await message.fill('Say more');
    ended[project().path] = { type: 'done' };
    await kerf.git.told();
    await expect.element(message).toHaveValue('Say more');
    kerf.project = project();
    await expect.element(message).toHaveValue('');
    kerf.project = project({ path: '/a worktree' });
    await expect.element(message).toHaveValue('Say more');
  });

  test('is told of in the folder that it was made in, whichever the view of it is', async () => {
    const act = { type: 'commit', message: 'Say more', amend: false } as const;
    const end = { type: 'done' } as const;
    const screen = await view(engine({ staged: [file('a.txt')] }));
    const { changes, folder } = screen.kerf;
    const message = screen.getByLabelText('Commit message');
    await message.fill('Say more');
    await changes.show('/a worktree');
    await message.fill('Say more');
    await changes.ran({ id: 1, act, argv: [], output: '', prompt: null, end }, folder!);
    await expect.element(message).toHaveValue('Say more');
    await changes.show(folder);
    await expect.element(message).toHaveValue('');
  });

  test('is looked for once when a task of the same folder is opened, and not as its turn begins', async () => {
    const backend = engine({ staged: [file('a.txt')] });
    const screen = await view(backend);
    const { kerf } = screen;
    const looks = () => askedFor(backend, 'git/status').length;
    expect(looks()).toBe(1);
    const opened = session({ id: 'session-2', folder: kerf.folder! });
    kerf.tasks.put(opened);
    kerf.task = new OpenTask(backend, opened.id);
    await tick();
    expect(looks()).toBe(2);
    kerf.tasks.put({ ...opened, state: 'running' });
    await tick();
    expect(looks()).toBe(2);
    kerf.tasks.put(opened);
    await tick();
    expect(looks()).toBe(3);
  });

  test('is written without another look at the repository', async () => {
    const backend = engine({ staged: [file('a.txt')] });
    const screen = await view(backend);
    const looks = () => askedFor(backend, 'git/status').length;
    const before = looks();
    await screen.getByLabelText('Commit message').click();
    await userEvent.keyboard('Say more');
    await screen.getByLabelText('Amend the last commit').click();
    await expect.element(screen.getByLabelText('Commit message')).toHaveValue('Say more');
    expect(looks()).toBe(before);
  });

  test('is amended beginning with the message that is there', async () => {
    const backend = engine({ pushed: true });
    const screen = await view(backend);
    await screen.getByLabelText('Amend the last commit').click();
    await expect.element(screen.getByLabelText('Commit message')).toHaveValue('Say hello\n\nIt is polite.');
    await expect.element(screen.getByText(/others may have it already/)).toBeVisible();
    await checkAxe(screen.container);
    await screen.getByRole('button', { name: /^Amend/ }).click();
    await expect.poll(() => askedFor(backend, 'git/commit')).toMatchObject([{ amend: true }]);
  });

  test('is drafted by the model, and the draft is the user’s', async () => {
    const backend = engine({ staged: [file('a.txt')] });
    const screen = await view(backend);
    await screen.getByRole('button', { name: 'Draft' }).click();
    await expect.element(screen.getByLabelText('Commit message')).toHaveValue('Say more');
    await expect.element(screen.getByText(/\.env is withheld/)).toBeVisible();
    expect(askedFor(backend, 'git/commit')).toEqual([]);
  });
});

test('a branch is switched to, or made by a new name', async () => {
  const branch = (name: string, remote = false) => ({
    name,
    remote,
    current: false,
    elsewhere: false,
    commit: '1',
    time: 1,
    summary: 'Say hello',
    upstream: null,
  });
  const backend = engine(
    {},
    {
      'git/branches': () => [branch('topic'), branch('origin/theirs', true)],
      'git/switch': ({ name }) => ({ branch: name, files: 1 }),
    },
  );
  const screen = await mountWith(GitDialogs, {
    backend,
    props: { list: 'branches' },
    prepare: (kerf) => {
      kerf.project = project();
    },
  });
  await expect.element(screen.getByText('origin/theirs')).toBeVisible();
  await checkAxe();
  // What is written in the view below is no reason to read the list again.
  screen.kerf.changes.message = 'Say more';
  await tick();
  expect(askedFor(backend, 'git/branches')).toHaveLength(1);
  expect(askedFor(backend, 'git/status')).toHaveLength(1);
  await screen.getByRole('combobox').fill('fresh');
  await expect.element(screen.getByText('Make branch fresh')).toBeVisible();
  await userEvent.keyboard('{Enter}');
  await expect.poll(() => askedFor(backend, 'git/switch')).toMatchObject([{ name: 'fresh', create: true }]);
});

test('a branch that is merged is deleted, and of another the refusal says why', async () => {
  const branch = (name: string, current = false) => ({
    name,
    remote: false,
    current,
    elsewhere: false,
    commit: '1',
    time: 1,
    summary: 'Say hello',
    upstream: null,
  });
  let names = ['merged', 'open'];
  const backend = engine(
    {},
    {
      'git/branches': () => [branch('main', true), ...names.map((name) => branch(name))],
      'git/delete_branch': ({ name }) => {
        if (name === 'open')
          throw new RequestError({
            code: 'usage',
            message: 'did not delete `open`: it has commits of its own',
            hint: '',
          });
        names = names.filter((other) => other !== name);
        return { commit: 'abcdef1234567890' };
      },
    },
  );
  const screen = await mountWith(GitDialogs, {
    backend,
    props: { list: 'deleteBranch' },
    prepare: (kerf) => {
      kerf.project = project();
    },
  });
  await expect.element(screen.getByText('merged')).toBeVisible();
  await expect.element(screen.getByRole('option', { name: /^main/ })).not.toBeInTheDocument();
  await screen.getByText('merged').click();
  await expect.element(screen.getByText('abcdef123456')).toBeVisible();
  await checkAxe();
  await screen.getByText('open', { exact: true }).click();
  await expect.element(screen.getByText(/it has commits of its own/)).toBeVisible();
});

test('who last changed the lines of a hunk is told, and the commits of a file', async () => {
  const backend = engine(
    { unstaged: [file('a.txt')] },
    {
      'git/blame': () => [
        { line: 1, commit: 'abcdef1234567890', author: 'Ada', time: 1, summary: 'Begin' },
        { line: 2, commit: null, author: '', time: 0, summary: '' },
      ],
      'git/log': () => ({ commits: [], next: null }),
    },
  );
  const prepare = async (kerf: Kerf) => {
    kerf.project = project();
    await kerf.changes.show(kerf.folder);
    await kerf.changes.toggle('unstaged', 'a.txt');
    kerf.changes.current = { side: 'unstaged', path: 'a.txt', hunk: 1 };
    kerf.changes.logPath = 'a.txt';
  };
  const blame = await mountWith(GitDialogs, { backend, props: { list: 'blame' }, prepare });
  await expect.element(blame.getByText('1: Begin')).toBeVisible();
  await expect.element(blame.getByText('2: not committed yet')).toBeVisible();
  expect(askedFor(backend, 'git/blame')).toMatchObject([{ path: 'a.txt', first_line: 40, last_line: 40 }]);
  await checkAxe();
  await blame.unmount();
  await mountWith(GitDialogs, { backend, props: { list: 'log' }, prepare });
  await expect.poll(() => askedFor(backend, 'git/log')).toMatchObject([{ path: 'a.txt' }]);
});

test('a stash over files with other changes is refused with them, and what to do', async () => {
  const backend = engine(
    {},
    {
      'git/stashes': () => [{ oid: 'abc', message: 'On main: mine', time: 1_760_000_000 }],
      'git/unstash': () => {
        const message =
          'did not apply the stash: `a.txt`, `b.txt` hold what would be lost; commit, stash or move them first';
        throw new RequestError({ code: 'conflict', message, hint: '' });
      },
    },
  );
  const screen = await mountWith(GitDialogs, {
    backend,
    props: { list: 'stashes' },
    prepare: (kerf) => {
      kerf.project = project();
    },
  });
  const dialog = screen.getByRole('dialog', { name: 'Take a stash out' });
  await dialog.getByText('On main: mine').click();
  await expect.element(dialog.getByText(/`a.txt`, `b.txt` hold what would be lost/)).toBeVisible();
  // It stays open, with the stash in the list.
  await expect.element(dialog.getByText('On main: mine')).toBeVisible();
  await checkAxe();
});

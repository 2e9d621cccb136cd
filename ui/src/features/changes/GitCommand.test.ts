import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, test } from 'vitest';
import { RequestError } from '../../backend/backend';
import { fakeBackend } from '../../backend/fake';
import type { GitAct } from '../../protocol/GitAct';
import type { GitPrompt } from '../../protocol/GitPrompt';
import type { GitRun } from '../../protocol/GitRun';
import { askedFor, checkAxe, mountWith, project } from '../../testing';
import { inShell } from './commandWords';
import GitCommandDialog from './GitCommandDialog.svelte';

const push: GitAct = { type: 'push', remote: null };
const argv = ['git', 'push', '--progress', 'origin', 'refs/heads/main:refs/heads/main'];

/** An engine whose command asks what it is given, one after the other, and then ends well; unless it is refused. */
function engine(prompts: Omit<GitPrompt, 'id'>[] = [], isRefused = () => false) {
  let run: GitRun | null = null;
  const next = (at: number) => {
    const prompt = prompts[at];
    run = {
      id: 1,
      act: push,
      argv,
      output: 'To somewhere\n',
      prompt: prompt ? { ...prompt, id: at + 1 } : null,
      end: prompt ? null : { type: 'done' },
    };
    return run;
  };
  const backend = fakeBackend({
    'git/preview': () => ({
      argv,
      folder: '/projects/ledgerd',
      words: 'Sends your branch `main` to `main` of `origin` at https://host.example/tool.',
      remote: { name: 'origin', url: 'https://host.example/tool' },
      programs: ['the hook pre-push'],
    }),
    'git/run': () => {
      if (isRefused())
        throw new RequestError({
          code: 'conflict',
          message: 'the repository has changed',
          hint: 'Look again',
        });
      return next(0);
    },
    'git/running': () => run,
    'git/answer': ({ prompt, answer }) => {
      if (answer === null && run) run = { ...run, prompt: null, end: { type: 'stopped' } };
      else next(prompt ?? 0);
      return {};
    },
    'git/status': () => {
      throw new RequestError({ code: 'internal', message: 'not here', hint: '' });
    },
    'project/status': () => ({ branch: 'main', ahead: 0, behind: 0 }),
  });
  return backend;
}

async function shown(backend: ReturnType<typeof engine>) {
  const screen = await mountWith(GitCommandDialog, {
    backend,
    prepare: async (kerf) => {
      kerf.project = project();
      kerf.start();
      await kerf.git.show(kerf.folder, push);
    },
  });
  await expect.element(screen.getByRole('dialog', { name: 'Push' })).toBeVisible();
  return screen;
}

beforeEach(async () => {
  await page.viewport(900, 800);
});

describe('a command of git’s', () => {
  test('is looked at again before it begins when the repository has changed', async () => {
    let changed = true;
    const backend = engine([], () => changed);
    const screen = await shown(backend);
    await screen.getByRole('button', { name: 'Run' }).click();
    await expect.element(screen.getByRole('alert')).toHaveTextContent('the repository has changed');
    await expect.element(screen.getByRole('button', { name: 'Run' })).toBeDisabled();
    changed = false;
    await screen.getByRole('button', { name: 'Look again' }).click();
    await screen.getByRole('button', { name: 'Run' }).click();
    await expect.element(screen.getByText('Done.')).toBeVisible();
    expect(askedFor(backend, 'git/preview')).toHaveLength(2);
  });

  test('is shown whole, and begins by a click alone', async () => {
    const backend = engine();
    const screen = await shown(backend);
    await expect.element(screen.getByText(inShell(argv))).toBeVisible();
    await expect.element(screen.getByText('the hook pre-push')).toBeVisible();
    await expect.element(screen.getByText(/not in a sandbox/)).toBeVisible();
    await checkAxe();
    expect(askedFor(backend, 'git/run')).toEqual([]);
    await screen.getByRole('button', { name: 'Run' }).click();
    await expect.element(screen.getByText('Done.')).toBeVisible();
    expect(askedFor(backend, 'git/run')).toMatchObject([{ act: push, argv }]);
    // What is not committed is looked at again.
    await expect.poll(() => askedFor(backend, 'project/status').length).toBeGreaterThan(0);
    await checkAxe();
    await screen.getByRole('button', { name: 'Close' }).click();
    expect(screen.kerf.git.open).toBe(false);
  });

  test('asks with its text made plain, hides the secret, and keeps it nowhere', async () => {
    const backend = engine([
      { text: 'Username for \u202e‘host’: ', kind: 'text' },
      { text: '<b>Password</b> for \u001b[31mx: ', kind: 'secret' },
    ]);
    const screen = await shown(backend);
    await screen.getByRole('button', { name: 'Run' }).click();
    await expect.element(screen.getByText(/‹U\+202E›/)).toBeVisible();
    await expect.element(screen.getByLabelText('Answer', { exact: true })).toHaveFocus();
    await checkAxe();
    await userEvent.keyboard('ada{Enter}');
    const secret = screen.getByLabelText('Secret answer');
    await expect.element(secret).toHaveAttribute('type', 'password');
    await expect.element(secret).toHaveValue('');
    await expect.element(screen.getByText(/<b>Password<\/b> for ‹U\+001B›/)).toBeVisible();
    await checkAxe();
    await userEvent.keyboard('open sesame{Enter}');
    await expect.element(screen.getByText('Done.')).toBeVisible();
    expect(askedFor(backend, 'git/answer')).toMatchObject([
      { prompt: 1, answer: 'ada' },
      { prompt: 2, answer: 'open sesame' },
    ]);
    expect(JSON.stringify(screen.kerf.git.run)).not.toContain('open sesame');
  });

  test('ends when what it asks is not answered', async () => {
    const backend = engine([{ text: 'Continue connecting (yes/no)? ', kind: 'confirm' }]);
    const screen = await shown(backend);
    await screen.getByRole('button', { name: 'Run' }).click();
    await expect.element(screen.getByRole('button', { name: 'Yes' })).toBeVisible();
    await checkAxe();
    await userEvent.keyboard('{Escape}');
    await expect.poll(() => askedFor(backend, 'git/answer')).toMatchObject([{ prompt: 1, answer: null }]);
    await expect.poll(() => screen.kerf.git.run?.end).toEqual({ type: 'stopped' });
  });
});

test('words are quoted as a shell would want them', () => {
  expect(inShell(['git', 'commit', `--message=it's\nso`])).toBe(`git commit '--message=it'\\''s\nso'`);
});

/** The actions that the window itself has, on whatever it shows. */

import type { Theme } from '../protocol/Theme';
import type { Kerf } from '../state/kerf.svelte';
import type { GitAct } from '../protocol/GitAct';
import { TEXT_SIZE } from '../state/settings.svelte';
import type { Action } from './actions.svelte';
import type { Frame } from './frame.svelte';

export function windowActions(kerf: Kerf, frame: Frame): Action[] {
  const { shell } = kerf.backend;
  const inProject = () => kerf.project !== null;
  const inRepository = () => kerf.repo?.branch != null;
  const command = (id: string, title: string, act: GitAct): Action => ({
    id,
    title,
    group: 'Git',
    enabled: inRepository,
    run: () => kerf.git.show(kerf.folder, act),
  });
  const underWay = () => inRepository() && kerf.underWay !== null;
  const inTask = () => kerf.task !== null;
  const themed = (theme: Theme, title: string): Action => ({
    id: `view.theme.${theme}`,
    title,
    group: 'View',
    run: () => kerf.try(() => kerf.settings.appearance({ theme })),
  });
  const resize = (by: number) => () => kerf.try(() => kerf.settings.resizeText(by));
  return [
    {
      id: 'app.palette',
      title: 'Search and run',
      group: 'Go',
      keys: 'Mod+K',
      run: () => (frame.palette = !frame.palette),
    },
    {
      id: 'app.search',
      title: 'Search in the project',
      group: 'Go',
      keys: 'Mod+Shift+F',
      enabled: inProject,
      run: () => kerf.showSearch(),
    },
    {
      id: 'git.changes',
      title: 'Show what is not committed',
      group: 'Git',
      enabled: inRepository,
      run: () => {
        kerf.view = 'task';
        frame.scope = 'uncommitted';
        if (!frame.reviewing) frame.toggleReview();
      },
    },
    {
      id: 'git.branches',
      title: 'Switch or make a branch…',
      group: 'Git',
      enabled: inRepository,
      run: () => (frame.git = 'branches'),
    },
    {
      id: 'git.stash',
      title: 'Stash what is not committed',
      group: 'Git',
      enabled: inRepository,
      run: async () => {
        await kerf.changes.show(kerf.folder);
        if (!(await kerf.changes.stash())) kerf.failure = kerf.changes.failure;
      },
    },
    {
      id: 'git.unstash',
      title: 'Take a stash out…',
      group: 'Git',
      enabled: inRepository,
      run: () => (frame.git = 'stashes'),
    },
    {
      id: 'git.log',
      title: 'Show the commits…',
      group: 'Git',
      enabled: inRepository,
      run: () => {
        kerf.changes.logPath = null;
        frame.git = 'log';
      },
    },
    {
      id: 'git.fileLog',
      title: 'Show the commits of this file…',
      group: 'Git',
      enabled: () => inRepository() && kerf.changes.current !== null,
      run: () => {
        kerf.changes.logPath = kerf.changes.current?.path ?? null;
        frame.git = 'log';
      },
    },
    {
      id: 'git.blame',
      title: 'Show who last changed these lines…',
      group: 'Git',
      enabled: () =>
        inRepository() && kerf.changes.current?.hunk != null && kerf.changes.current.side === 'unstaged',
      run: () => (frame.git = 'blame'),
    },
    {
      id: 'git.deleteBranch',
      title: 'Delete a branch…',
      group: 'Git',
      enabled: inRepository,
      run: () => (frame.git = 'deleteBranch'),
    },
    command('git.fetch', 'Fetch from the remote…', { type: 'fetch', remote: null }),
    command('git.pull', 'Pull…', { type: 'pull', how: 'fast_forward' }),
    command('git.pullMerge', 'Pull and merge…', { type: 'pull', how: 'merge' }),
    command('git.pullRebase', 'Pull and rebase…', { type: 'pull', how: 'rebase' }),
    command('git.push', 'Push the branch…', { type: 'push', remote: null }),
    { ...command('git.continue', 'Continue the merge or rebase…', { type: 'continue' }), enabled: underWay },
    { ...command('git.abort', 'Abort the merge or rebase…', { type: 'abort' }), enabled: underWay },
    {
      id: 'git.pullRequest',
      title: 'Open a pull request…',
      group: 'Git',
      enabled: inRepository,
      run: () => kerf.pull.show(kerf.folder),
    },
    command('git.lfsPull', 'Fetch large files (LFS)…', { type: 'lfs_pull' }),
    {
      id: 'app.newTask',
      title: 'New task',
      group: 'Task',
      keys: 'Mod+N',
      enabled: inProject,
      run: () => kerf.newTask(),
    },
    {
      id: 'task.next',
      title: 'Next task',
      group: 'Task',
      keys: 'Alt+Shift+ArrowDown',
      enabled: () => kerf.tasks.all.length > 0,
      run: () => kerf.nextTask(1),
    },
    {
      id: 'task.previous',
      title: 'Previous task',
      group: 'Task',
      keys: 'Alt+Shift+ArrowUp',
      enabled: () => kerf.tasks.all.length > 0,
      run: () => kerf.nextTask(-1),
    },
    {
      id: 'task.rename',
      title: 'Rename task',
      group: 'Task',
      keys: 'F2',
      enabled: inTask,
      run: () => {
        if (!frame.sidebar) frame.toggleSidebar();
        frame.renaming = kerf.task?.id ?? null;
      },
    },
    {
      id: 'attempts.compare',
      title: 'Compare attempts',
      group: 'Task',
      keys: 'Alt+C',
      enabled: () => kerf.attemptsOpen.length > 1,
      run: () => kerf.compare(),
    },
    {
      id: 'attempts.next',
      title: 'Next attempt',
      group: 'Task',
      keys: 'Alt+ArrowRight',
      enabled: () => kerf.attemptsOpen.length > 1,
      run: () => nextAttempt(kerf, 1),
    },
    {
      id: 'attempts.previous',
      title: 'Previous attempt',
      group: 'Task',
      keys: 'Alt+ArrowLeft',
      enabled: () => kerf.attemptsOpen.length > 1,
      run: () => nextAttempt(kerf, -1),
    },
    {
      id: 'task.archive',
      title: 'Archive task',
      group: 'Task',
      enabled: () => kerf.session?.archived === false,
      run: () => {
        const { task } = kerf;
        return task && kerf.try(() => kerf.tasks.archive(task.id, true));
      },
    },
    {
      id: 'task.restore',
      title: 'Take task back from the archive',
      group: 'Task',
      enabled: () => kerf.session?.archived === true,
      run: () => {
        const { task } = kerf;
        return task && kerf.try(() => kerf.tasks.archive(task.id, false));
      },
    },
    {
      id: 'task.delete',
      title: 'Delete task…',
      group: 'Task',
      enabled: inTask,
      run: () => (frame.deleting = kerf.task?.id ?? null),
    },
    {
      id: 'task.showArchived',
      title: 'Show or hide archived tasks',
      group: 'Task',
      run: () => {
        kerf.tasks.archived = !kerf.tasks.archived;
        return kerf.tasks.load();
      },
    },
    {
      id: 'app.openFolder',
      title: 'Open folder…',
      group: 'Project',
      keys: 'Mod+O',
      run: () => kerf.try(async () => kerf.openFolders(await shell.chooseFolders())),
    },
    {
      id: 'project.remove',
      title: 'Remove project from the list…',
      group: 'Project',
      enabled: inProject,
      run: () => (frame.removing = kerf.project?.id ?? null),
    },
    {
      id: 'app.newWindow',
      title: 'New window',
      group: 'Go',
      keys: 'Mod+Shift+N',
      run: () => kerf.try(() => shell.newWindow()),
    },
    {
      id: 'view.task',
      title: 'Back to the task',
      group: 'Go',
      keys: 'Escape',
      enabled: () => kerf.view !== 'task',
      run: () => (kerf.view = 'task'),
    },
    {
      id: 'app.ledger',
      title: 'Show the ledger',
      group: 'Go',
      keys: 'Mod+Shift+L',
      run: () => (kerf.view = 'ledger'),
    },
    {
      id: 'view.toggleSidebar',
      title: 'Show or hide the sidebar',
      group: 'View',
      keys: 'Mod+B',
      run: () => frame.toggleSidebar(),
    },
    {
      id: 'view.toggleReview',
      title: 'Show or hide the review',
      group: 'View',
      keys: 'Mod+Shift+R',
      run: () => frame.toggleReview(),
    },
    themed('system', 'Theme of the system'),
    themed('dark', 'Dark theme'),
    themed('light', 'Light theme'),
    {
      id: 'view.textLarger',
      title: 'Larger text',
      group: 'View',
      keys: 'Mod+=',
      run: resize(TEXT_SIZE.step),
    },
    {
      id: 'view.textSmaller',
      title: 'Smaller text',
      group: 'View',
      keys: 'Mod+-',
      run: resize(-TEXT_SIZE.step),
    },
    {
      id: 'view.textReset',
      title: 'Normal text size',
      group: 'View',
      keys: 'Mod+0',
      run: () => kerf.try(() => kerf.settings.appearance({ text_size: 100 })),
    },
    {
      id: 'app.settings',
      title: 'Settings',
      group: 'Settings',
      keys: 'Mod+,',
      run: () => kerf.showSettings(),
    },
    {
      id: 'settings.endpoints',
      title: 'Settings: endpoints',
      group: 'Settings',
      run: () => kerf.showSettings('endpoints'),
    },
    {
      id: 'settings.addEndpoint',
      title: 'Add endpoint…',
      group: 'Settings',
      run: () => {
        kerf.showSettings('endpoints');
        kerf.endpoints.adding = true;
      },
    },
    { id: 'app.keys', title: 'Settings: keys', group: 'Settings', run: () => kerf.showSettings('keys') },
    {
      id: 'app.worktrees',
      title: 'Settings: worktrees',
      group: 'Settings',
      run: () => kerf.showSettings('worktrees'),
    },
    {
      id: 'app.doctor',
      title: 'Settings: what works here',
      group: 'Settings',
      run: () => kerf.showSettings('doctor'),
    },
  ];
}

/** Goes `by` attempts on in the open task; round at either end. */
function nextAttempt(kerf: Kerf, by: 1 | -1) {
  const all = kerf.attemptsOpen;
  const at = all.findIndex(({ id }) => id === kerf.task?.id);
  const next = all[(at + by + all.length) % all.length];
  return next && kerf.openTask(next.id);
}

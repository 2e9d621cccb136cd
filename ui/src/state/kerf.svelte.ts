/**
 * All that the interface knows, in one place: which project and task are open, and the state of each part.
 *
 * Data flows one way: a front asks the backend, the engine tells by events, and `follow` brings them here.
 */

import { failureOf, type Backend } from '../backend/backend';
import type { Check } from '../protocol/Check';
import type { Event } from '../protocol/Event';
import type { Failure } from '../protocol/Failure';
import type { Image } from '../protocol/Image';
import type { Policy } from '../protocol/Policy';
import type { Project } from '../protocol/Project';
import type { RepoStatus } from '../protocol/RepoStatus';
import type { Scope } from '../protocol/Scope';
import type { Session } from '../protocol/Session';
import type { WhenRunning } from '../protocol/WhenRunning';
import type { WorkspaceKind } from '../protocol/WorkspaceKind';
import { Attempts } from './attempts.svelte';
import type { AttemptsPlan } from './attemptsPlan';
import { Changes } from './changes.svelte';
import { Conversation } from './conversation.svelte';
import { CodeIndex } from './codeIndex.svelte';
import { CodeSearch, type Sought } from './codeSearch.svelte';
import { GitCommand } from './gitCommand.svelte';
import { Endpoints } from './endpoints.svelte';
import { Ledger } from './ledger.svelte';
import { noticeOf } from './notices';
import { PullRequest } from './pullRequest.svelte';
import { RestoreState } from './restore.svelte';
import { ReviewState } from './review.svelte';
import { Rules } from './rules.svelte';
import { Settings } from './settings.svelte';
import { Tasks } from './tasks.svelte';

/** What the middle of the window shows. */
export type View = 'task' | 'compare' | 'search' | 'settings' | 'ledger';

/** The parts of the settings. */
export type Section =
  | 'endpoints'
  | 'approvals'
  | 'appearance'
  | 'keys'
  | 'editor'
  | 'notifications'
  | 'data'
  | 'worktrees'
  | 'doctor';

/** A task that is open. */
export class OpenTask {
  readonly id: string;
  readonly conversation = new Conversation();
  readonly review: ReviewState;
  readonly restore: RestoreState;
  /** Messages that wait for the running action to end. */
  queued: string[] = $state.raw([]);
  loaded = $state(false);
  failure: Failure | null = $state.raw(null);

  /** The review of another scope, while that is looked at. */
  #scoped: ReviewState | null = $state.raw(null);
  #backend: Backend;

  constructor(backend: Backend, id: string) {
    this.id = id;
    this.#backend = backend;
    this.review = new ReviewState(backend, id);
    this.restore = new RestoreState(backend, id);
  }

  /** The review that is on screen. */
  get shown(): ReviewState {
    return this.#scoped ?? this.review;
  }

  /** Looks at another part of the changes. */
  look(scope: Scope) {
    if (nameOf(scope) === nameOf(this.shown.scope)) return;
    this.#scoped = scope.type === 'task' ? null : new ReviewState(this.#backend, this.id, scope, this.review);
    void this.#scoped?.load();
  }

  /** Looks at the changes again. */
  async loadReview() {
    await Promise.all([this.review.load(), this.#scoped?.load()]);
  }
}

/** Names a scope by all that it is. */
const nameOf = (scope: Scope) => JSON.stringify(scope);

/** A folder that is too wide to be opened without a word. */
export interface WideFolder {
  path: string;
  why: string;
}

export class Kerf {
  readonly backend: Backend;
  readonly tasks: Tasks;
  readonly endpoints: Endpoints;
  readonly settings: Settings;
  readonly ledger: Ledger;
  readonly index: CodeIndex;
  readonly search: CodeSearch;
  readonly rules: Rules;
  readonly changes: Changes;
  readonly attempts: Attempts;
  readonly git: GitCommand;
  readonly pull: PullRequest;
  projects: Project[] = $state.raw([]);
  /** Whether the first list of projects has come. */
  ready = $state(false);
  project: Project | null = $state.raw(null);
  repo: RepoStatus | null = $state.raw(null);
  /** Whose `repo` it is; while that is asked again, the old one stays on screen. */
  #repoOf: string | null = null;
  #toldOfData = false;
  task: OpenTask | null = $state.raw(null);
  view: View = $state('task');
  /** The part of the settings that is shown. */
  section: Section = $state('endpoints');
  /** What works here, as it was last looked at. */
  checks: Check[] | null = $state.raw(null);
  checksFailure: Failure | null = $state.raw(null);
  /** Folders that the user is asked about before they are opened. */
  wide: WideFolder[] = $state.raw([]);
  /** A failure that belongs to no part; shown until it is dismissed. */
  failure: Failure | null = $state.raw(null);
  /** Whether the user went somewhere. From then on the window no longer goes by itself to what it opens with. */
  #went = false;
  /** Policy, endpoint and model of the next task. */
  draft: { policy: Policy; endpoint: string | null; model: string | null; workspace: WorkspaceKind } =
    $state.raw({
      policy: { sandbox: 'workspace-write', approve: 'ask' },
      endpoint: null,
      model: null,
      workspace: { type: 'in_place' },
    });

  /** The attempts that the next request is made in; null: one, as `draft` says. */
  plan: AttemptsPlan | null = $state.raw(null);

  constructor(backend: Backend) {
    this.backend = backend;
    this.tasks = new Tasks(backend);
    this.endpoints = new Endpoints(backend);
    this.settings = new Settings(backend);
    this.ledger = new Ledger(backend);
    this.index = new CodeIndex(backend);
    this.search = new CodeSearch(backend, () => this.folder);
    this.rules = new Rules(backend);
    this.attempts = new Attempts(backend);
    this.changes = new Changes(backend, () => void this.loadRepo());
    this.pull = new PullRequest(backend);
    this.git = new GitCommand(backend, (run, folder) => {
      void this.loadRepo();
      void this.changes.ran(run, folder);
    });
  }

  /** The open task as the list has it. */
  get session(): Session | null {
    return this.task ? (this.tasks.find(this.task.id) ?? null) : null;
  }

  /** The attempts of the open task, the first first; one alone when it has no others. */
  get attemptsOpen(): Session[] {
    return this.session ? this.tasks.attemptsOf(this.session) : [];
  }

  /** Shows the attempts of the open task beside each other. */
  async compare(taskId: string | undefined = this.session?.task_id) {
    if (taskId === undefined) return;
    this.#went = true;
    this.view = 'compare';
    await this.attempts.open(taskId);
  }

  /** The folder that is worked in: of the open task, else of the project. */
  get folder(): string | null {
    return this.session?.folder ?? this.project?.path ?? null;
  }

  /** What git has begun in the folder and must end first, in words; null: nothing, as far as is known. */
  get underWay(): string | null {
    const { folder } = this;
    const known = this.changes.of(folder)?.under_way ?? null;
    return known ?? (folder === this.project?.path ? (this.repo?.under_way ?? null) : null);
  }

  /** Shows every request that held a part of this file. */
  showSent(folder: string, file: string) {
    this.ledger.reading.show({ folder, file });
    this.view = 'ledger';
  }

  /** Goes to an entry of the open conversation. False: it is not in it any more. */
  seek(itemId: string): boolean {
    const found = this.task?.conversation.seek(itemId) ?? false;
    if (found) this.view = 'task';
    return found;
  }

  /** Loads what the window opens with, and follows the engine. Returns how to stop. */
  start(): () => void {
    const stop = this.backend.follow({
      events: (batch) => batch.forEach((event) => this.#apply(event)),
      index: (status) => this.index.take(status),
      git: () => void this.git.told(),
      gap: () => void this.#afterGap(),
    });
    void this.#load();
    return stop;
  }

  async #load() {
    await this.try(async () => {
      const [projects, folders] = await Promise.all([
        this.backend.request('project/list', {}),
        this.backend.shell.startFolders(),
        this.settings.load(),
        this.tasks.load(),
      ]);
      // A folder may have been dropped meanwhile.
      const known = new Set(projects.map(({ id }) => id));
      this.projects = [...this.projects.filter(({ id }) => !known.has(id)), ...projects];
      this.draft = { ...this.draft, policy: this.settings.current.policy };
      for (const path of folders) await this.try(() => this.#openFolder(path, false, () => !this.#went));
      if (folders.length === 0 && projects[0] && !this.#went) await this.#showProject(projects[0]);
    });
    this.ready = true;
    await Promise.all([this.endpoints.load(), this.ledger.load(), this.loadChecks()]);
  }

  /** Opens folders; the last one is shown. */
  async openFolders(paths: string[], confirmed = false) {
    for (const path of paths)
      await this.try(() =>
        this.#openFolder(path, confirmed, () => {
          this.#go();
          return true;
        }),
      );
  }

  /** Opens a folder, and shows it when that is still wanted. */
  async #openFolder(path: string, confirmed: boolean, wanted: () => boolean) {
    const opened = await this.backend.request('project/open', { path, confirmed });
    if (opened.type === 'too_wide') {
      this.wide = [...this.wide.filter((wide) => wide.path !== opened.path), opened];
      return;
    }
    this.wide = this.wide.filter((wide) => wide.path !== path);
    this.projects = [opened.project, ...this.projects.filter(({ id }) => id !== opened.project.id)];
    if (wanted()) this.#showNew(opened.project);
  }

  /** Shows a project: its last task, or a new one. */
  async openProject(project: Project) {
    this.#go();
    await this.#showProject(project);
  }

  async removeProject(project: Project) {
    await this.try(async () => {
      await this.backend.request('project/remove', { project_id: project.id });
      this.projects = this.projects.filter(({ id }) => id !== project.id);
      if (this.project?.id !== project.id) return;
      this.project = null;
      this.task = null;
      const [next] = this.projects;
      if (next) await this.openProject(next);
    });
  }

  /** Shows an empty composer; the task begins with its first message. */
  newTask(project: Project | null = this.project) {
    this.#go();
    this.#showNew(project);
  }

  async openTask(id: string) {
    this.#go();
    await this.#showTask(id);
  }

  /** Deletes a task with all its attempts; the window shows an empty composer when it was open. */
  async deleteTask(id: string) {
    const task = this.tasks.find(id);
    const ids = task ? this.tasks.attemptsOf(task).map((one) => one.id) : [id];
    await this.try(async () => {
      for (const one of ids) {
        await this.tasks.delete(one);
        if (this.task?.id === one) {
          this.task = null;
          if (this.view === 'compare') this.view = 'task';
          void this.loadRepo();
        }
      }
    });
  }

  /** Goes `by` tasks on in the order of the sidebar; round at either end. */
  async nextTask(by: 1 | -1) {
    const ids = this.tasks.inOrder().map(({ id }) => id);
    const at = this.task ? ids.indexOf(this.task.id) : -1;
    const next = ids[(Math.max(at, by === 1 ? -1 : 0) + by + ids.length) % ids.length];
    if (next) await this.openTask(next);
  }

  showSettings(section: Section = this.section) {
    this.section = section;
    this.view = 'settings';
  }

  /** Shows the search view: as it was left, or with what is sought. */
  showSearch(sought?: Sought) {
    if (sought) this.search.seek(sought);
    this.search.called += 1;
    this.view = 'search';
  }

  /** Opens a file of the folder in the user's editor. */
  async openFile(path: string, line?: number) {
    const { folder } = this;
    if (folder === null) return;
    this.search.touch(folder, path);
    await this.try(() => this.backend.shell.openFile(folder, path, line));
  }

  /** Sends a message, beginning a task when none is open. False: it was not taken. */
  async send(text: string, images: Image[], whenRunning: WhenRunning = 'queue'): Promise<boolean> {
    return await this.try(async () => {
      if (!this.task && this.plan) {
        await this.#beginAttempts(text, images, this.plan);
        return;
      }
      const task = this.task ?? (await this.#begin());
      const prompted = await this.backend.request('session/prompt', {
        session_id: task.id,
        text,
        images,
        when_running: whenRunning,
      });
      task.review.sent();
      if (prompted === 'queued') task.queued = [...task.queued, text];
    });
  }

  /** Stops the turn of a session, of the open task when none is named; or an attempt that waits for its turn. */
  async stop(id: string | undefined = this.task?.id) {
    if (id !== undefined) await this.try(() => this.backend.request('session/cancel', { session_id: id }));
  }

  /** Changes policy, endpoint or model: of the open task from its next turn on, else of the next task. */
  async configure(change: { policy?: Policy; endpoint?: string; model?: string }) {
    const { task } = this;
    if (!task) {
      this.draft = { ...this.draft, ...change };
      return;
    }
    await this.try(async () => {
      const session = await this.backend.request('session/configure', {
        session_id: task.id,
        endpoint: change.endpoint ?? null,
        model: change.model ?? null,
        policy: change.policy ?? null,
      });
      this.tasks.put(session);
    });
  }

  /** Where the next task works, in one attempt. */
  workIn(workspace: WorkspaceKind) {
    this.plan = null;
    this.draft = { ...this.draft, workspace };
  }

  /** The next request is made in several attempts. */
  planAttempts(plan: AttemptsPlan) {
    this.plan = plan;
  }

  /** Does something whose failure belongs to no part. False: it failed. */
  async try(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (thrown) {
      this.failure = failureOf(thrown);
      return false;
    }
  }

  async loadRepo() {
    const { project } = this;
    if (!project || project.path !== this.#repoOf) this.repo = null;
    this.#repoOf = project?.path ?? null;
    if (!project) return;
    try {
      const repo = await this.backend.request('project/status', { folder: project.path });
      if (this.project?.id === project.id) this.repo = repo;
    } catch {
      // A folder that is gone or no repository shows no branch; opening a task there tells why.
    }
  }

  /** Looks at what works here. */
  async loadChecks() {
    try {
      this.checks = await this.backend.request('doctor', { folder: this.project?.path ?? '', deep: false });
      this.checksFailure = null;
      // What is missing is told once, where nobody has to look for it.
      const data = this.checks.find(({ name }) => name === 'data');
      if (data?.state === 'warning' && !this.#toldOfData) {
        this.#toldOfData = true;
        this.failure = { code: 'storage', message: data.detail, hint: data.hint };
      }
    } catch (thrown) {
      this.checksFailure = failureOf(thrown);
    }
  }

  /** The user goes to a task or a project. */
  #go() {
    this.#went = true;
    this.view = 'task';
  }

  // These leave the view as it is: settings that were opened while the window loads stay open.

  async #showProject(project: Project) {
    this.project = project;
    const last = this.tasks.all.find((session) => session.project_id === project.id);
    if (last) await this.#showTask(last.id);
    else this.#showNew(project);
  }

  #showNew(project: Project | null) {
    this.project = project;
    this.#leave();
    void this.loadRepo();
  }

  async #showTask(id: string) {
    if (this.task?.id === id) return;
    this.#leave();
    const task = new OpenTask(this.backend, id);
    this.task = task;
    await this.#attach(task);
    // What the bars tell of can come after what was asked for.
    void task.loadReview().then(() => this.loadRepo());
  }

  /** Leaves the open task, and keeps for the list what it knew of its review. */
  #leave() {
    const { task } = this;
    this.task = null;
    if (task?.review.loaded)
      this.tasks.hunks = { ...this.tasks.hunks, [task.id]: task.review.counts.pending };
  }

  async #begin(): Promise<OpenTask> {
    const { project, draft } = this;
    if (!project) throw new Error('open a folder first');
    const session = await this.backend.request('session/new', { folder: project.path, ...draft });
    this.tasks.put(session);
    const task = new OpenTask(this.backend, session.id);
    task.loaded = true;
    // A task that just began has changed nothing.
    task.review.loaded = true;
    this.task = task;
    void task.loadReview();
    return task;
  }

  async #beginAttempts(text: string, images: Image[], { by, budget }: AttemptsPlan) {
    const { project, draft } = this;
    if (!project) throw new Error('open a folder first');
    const { sessions } = await this.backend.request('attempts/start', {
      folder: project.path,
      text,
      images,
      policy: draft.policy,
      attempts: by.map(({ endpoint, model }) =>
        endpoint === null && model === null
          ? { endpoint: draft.endpoint, model: draft.model }
          : { endpoint, model },
      ),
      budget,
    });
    this.plan = null;
    for (const session of sessions.toReversed()) this.tasks.put(session);
    const [first] = sessions;
    if (first) await this.#showTask(first.id);
  }

  async #attach(task: OpenTask) {
    task.conversation.expect();
    try {
      const attached = await this.backend.request('session/attach', { session_id: task.id });
      task.conversation.attach(attached);
      task.failure = null;
      const turn = attached.transcript.turns.at(-1);
      if (attached.running && turn) this.tasks.turnStarted(task.id, turn.created_at);
      const { session } = attached.transcript;
      this.project = this.projects.find(({ id }) => id === session.project_id) ?? this.project;
    } catch (thrown) {
      task.failure = failureOf(thrown);
    }
    task.loaded = true;
  }

  #apply(event: Event) {
    this.tasks.apply(event);
    if (this.view === 'compare') this.attempts.apply(event);
    void this.#tell(event);
    this.#touch(event);
    if (tellsOfRequest(event)) void this.ledger.load();
    const { task } = this;
    if (task?.id !== event.session_id) return;
    task.conversation.apply(event);
    if (event.type === 'session.restored') {
      if (event.conversation) void this.#attach(task);
      void task.loadReview();
      void this.loadRepo();
    }
    // What a restore hid is behind what is said now.
    if (event.type === 'turn.started') task.restore.done = null;
    if (event.type === 'item.started' && event.item.type === 'user_message') {
      const { text } = event.item;
      const at = task.queued.indexOf(text);
      if (at >= 0) task.queued = task.queued.toSpliced(at, 1);
    }
    if (event.type === 'turn.completed' || event.type === 'turn.failed') {
      task.queued = [];
      void task.loadReview();
      void this.loadRepo();
      // An answer may have kept a rule, and a file of the project may have changed.
      void this.rules.load();
    } else if (
      event.type === 'item.completed' &&
      event.item.type === 'tool_call' &&
      // A check that the user ran again changes what the checks say.
      (event.item.changes?.length || event.item.tool === 'check')
    ) {
      void task.loadReview();
    }
  }

  /** Tells the user through the system when the window is not in front. */
  async #tell(event: Event) {
    if (this.settings.current.notifications !== 'on' || document.hasFocus()) return;
    const notice = noticeOf(event);
    if (notice === null) return;
    const titled = () => this.tasks.find(event.session_id)?.title;
    // What happens right after the first message is told before the list has its title.
    if (!titled()) await this.tasks.load();
    const title = titled() || 'Kerf';
    // Without the notice nothing is lost.
    this.backend.shell.notify(title, notice).catch(() => {});
  }

  /** Files that a task changed are looked for soon. */
  #touch(event: Event) {
    if (event.type !== 'item.completed' || event.item.type !== 'tool_call') return;
    const folder = this.tasks.find(event.session_id)?.folder;
    if (folder) event.item.changes?.forEach(({ path }) => this.search.touch(folder, path));
  }

  async #afterGap() {
    await Promise.all([this.tasks.load(), this.ledger.load(), this.index.reload(), this.git.told()]);
    if (this.task) {
      await this.#attach(this.task);
      await this.task.loadReview();
    }
  }
}

/** Whether another request may have left: a reply begins or is counted, or the turn is over. */
function tellsOfRequest(event: Event): boolean {
  if (event.type === 'item.started')
    return event.item.type === 'agent_message' || event.item.type === 'reasoning';
  return ['context.updated', 'turn.completed', 'turn.failed'].includes(event.type);
}

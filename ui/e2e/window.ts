/**
 * The window of a test: the built interface in a browser, the real engine behind it on a new home folder, a model that
 * the test plays, and a git repository. Everything is gone afterwards.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type Locator, type Page } from 'playwright';
import { test as base, expect, vi } from 'vitest';
import type { Answers } from '../src/protocol/Answers';
import type { Request } from '../src/protocol/Request';
import { remove, Repository, temporary } from './folder';
import { Model } from './model';

const ROOT = resolve(import.meta.dirname, '../..');
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
const SERVER = process.env.KERF_UI_SERVER ?? join(TARGET, 'debug/ui-server');

/** Where pictures go. */
export const PICTURES = join(TARGET, 'screenshots/browser');

type Method = Request['method'];
type Params<M extends Method> = Extract<Request, { method: M }>['params'];

export interface Options {
  /** The files of the repository. */
  files?: Record<string, string>;
  /** Opens the window without a folder. */
  empty?: boolean;
  theme?: 'dark' | 'light';
}

export class Window {
  /** Errors of the page and of its console. A test ends with none. */
  readonly errors: string[] = [];
  /** The hosts that the page asked anything of, and the schemes that are not the server's. */
  readonly hosts = new Set<string>();

  #server: ChildProcess;
  #underWay = new Set<unknown>();

  private constructor(
    readonly home: string,
    readonly model: Model,
    readonly repository: Repository,
    readonly url: string,
    readonly page: Page,
    server: ChildProcess,
  ) {
    this.#server = server;
    this.#watch(page);
  }

  static async open(browser: Browser, options: Options): Promise<Window> {
    const home = temporary('home');
    const model = await Model.start();
    const repository = new Repository(
      join(temporary('project'), 'ledgerd'),
      options.files ?? { 'README.md': 'A test\n' },
    );
    const server = spawn(SERVER, [], {
      // What the environment of who runs the tests says of models and keyrings is not for them.
      env: {
        ...process.env,
        KERF_HOME: home,
        KERF_BASE_URL: model.url,
        KERF_MODEL: 'scripted',
        KERF_WIRE: 'chat',
        KERF_API_KEY: '',
        DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((told, failed) => {
      server.on('error', (error) => failed(new Error(`${SERVER} does not start: ${error.message}`)));
      server.on('exit', (code) => failed(new Error(`${SERVER} ended with ${code}`)));
      createInterface(server.stdout).once('line', told);
    });
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      colorScheme: options.theme ?? 'dark',
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(15_000);
    const window = new Window(home, model, repository, url, await context.newPage(), server);
    await window.reopen(options.empty ? '' : `?folder=${encodeURIComponent(repository.path)}`);
    return window;
  }

  /** Loads the interface again, as after a start of the window. */
  async reopen(query = '') {
    await this.page.goto(this.url + query);
    await this.page.getByRole('banner').waitFor();
    await this.settled();
  }

  #watch(page: Page) {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.errors.push(message.text());
    });
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol !== 'data:' && protocol !== 'blob:') this.hosts.add(host);
      if (request.url().endsWith('/rpc')) this.#underWay.add(request);
    });
    page.on('requestfinished', (request) => this.#underWay.delete(request));
    page.on('requestfailed', (request) => this.#underWay.delete(request));
  }

  /** Waits until nothing that the page asked for is under way, and what came is drawn. */
  async settled() {
    await vi.waitFor(
      async () => {
        expect(this.#underWay.size).toBe(0);
        // What came may lead to the next request.
        await this.page.evaluate(
          () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
        );
        expect(this.#underWay.size).toBe(0);
      },
      { timeout: 15_000, interval: 20 },
    );
  }

  /** Asks the engine past the page. */
  async rpc<M extends Method>(method: M, params: Params<M>): Promise<Answers[M]> {
    const response = await fetch(`${this.url}rpc`, {
      method: 'POST',
      body: JSON.stringify({ method, params }),
    });
    const reply = (await response.json()) as { ok: Answers[M] } | { error: { message: string } };
    if ('error' in reply) throw new Error(`${method}: ${reply.error.message}`);
    return reply.ok;
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: 'Message' });
  }

  get stream(): Locator {
    return this.page.getByRole('log', { name: 'Conversation' });
  }

  get review(): Locator {
    return this.page.getByRole('region', { name: 'Review', exact: true });
  }

  /** A task in the sidebar. */
  task(title: string): Locator {
    return this.page.getByRole('list', { name: 'Tasks' }).locator('[data-task]', { hasText: title });
  }

  /** The bar of failures that belong to no part. */
  get failure(): Locator {
    return this.page.locator('.window > .failure .problem');
  }

  button(name: string | RegExp, within: Page | Locator = this.page): Locator {
    return within.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
  }

  async send(text: string) {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  /** Waits for the end of the turn: the composer sends again. */
  async ended() {
    // Until the message was taken, the composer is still that of the turn before.
    await this.settled();
    await this.button(/^Send/).waitFor();
    await this.settled();
  }

  /** Allows what is asked. A press right after the question appeared does nothing, so it is pressed until it does. */
  async allow(name = 'Allow once') {
    // This one, not that of a question that comes after it.
    const allow = await this.button(name, this.stream).first().elementHandle({ timeout: 15_000 });
    await vi.waitFor(
      async () => {
        if (await allow?.isVisible()) await allow?.click({ timeout: 1000 });
        expect(await allow?.isVisible()).toBe(false);
      },
      { timeout: 15_000, interval: 50 },
    );
  }

  /** Waits for the text of a file. */
  async file(name: string, text: string) {
    await expect.poll(() => this.repository.read(name), { timeout: 15_000 }).toBe(text);
  }

  async close() {
    await this.page.context().close();
    const ended = new Promise((ended) => this.#server.once('exit', ended));
    this.#server.stdin?.end();
    await ended;
    await this.model.stop();
    remove(this.home);
    remove(dirname(this.repository.path));
  }
}

/** A test whose windows are closed after it, and that ends without an error on any page. */
export const test = base.extend<{ browser: Browser; open: (options?: Options) => Promise<Window> }>({
  browser: [
    // Vitest reads the names of what a fixture needs from this pattern.

    async ({}, use) => {
      const browser = await chromium.launch({
        executablePath: process.env.KERF_CHROMIUM ?? '/usr/bin/chromium',
        args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
      });
      await use(browser);
      await browser.close();
    },
    { scope: 'file' },
  ],
  open: async ({ browser }, use) => {
    const windows: Window[] = [];
    await use(async (options = {}) => {
      const window = await Window.open(browser, options);
      windows.push(window);
      return window;
    });
    const errors = windows.flatMap((window) => window.errors);
    for (const window of windows) await window.close();
    expect(errors).toEqual([]);
  },
});

export { expect };

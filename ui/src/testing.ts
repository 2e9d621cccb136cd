/**
 * What the tests of components stand on: a part mounted as in the window, over a backend in memory; the check of its
 * accessibility in both themes; and the entries that the engine would send.
 */

import './styles/tokens.css';
import './styles/base.css';
import axe from 'axe-core';
import type { Component, ComponentProps } from 'svelte';
import { expect } from 'vitest';
import { render } from 'vitest-browser-svelte';
import { Actions } from './app/actions.svelte';
import Provide from './app/Provide.svelte';
import { fakeBackend, type FakeBackend } from './backend/fake';
import type { Project } from './protocol/Project';
import type { Session } from './protocol/Session';
import { Kerf } from './state/kerf.svelte';

// A colour that is on its way to another has the contrast of neither.
const still = document.createElement('style');
still.textContent =
  '*, *::before, *::after { transition: none !important; animation: none !important; caret-color: transparent }';
document.head.append(still);
document.documentElement.dataset.theme = 'dark';

// Any component: what it takes and gives is its own.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Part = Component<any, any, any>;

interface Options<P extends Part> {
  backend?: FakeBackend;
  props?: ComponentProps<P>;
  /** Brings the state to where the test begins, before the part is mounted. Nothing is loaded by itself. */
  prepare?: (kerf: Kerf, actions: Actions) => unknown;
}

/** Mounts a component with its contexts. Queries (`getByRole` …) are on what is returned, beside the state. */
export async function mountWith<P extends Part>(
  component: P,
  { backend = fakeBackend(), props, prepare }: Options<P> = {},
) {
  const kerf = new Kerf(backend);
  const actions = new Actions(kerf.settings);
  await prepare?.(kerf, actions);
  const screen = render(Provide, { kerf, actions, part: component, given: { ...props } });
  screen.container.style.height = '100%';
  return { ...screen, kerf, actions, backend };
}

/** Checks a part with axe in both themes. */
export async function checkAxe(container: Element = document.body) {
  const root = document.documentElement;
  const { theme } = root.dataset;
  for (const name of ['dark', 'light']) {
    root.dataset.theme = name;
    const { violations } = await axe.run(container, {
      resultTypes: ['violations'],
      // A part that is mounted alone has no page around it.
      rules: { region: { enabled: false }, 'page-has-heading-one': { enabled: false } },
    });
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${name}: ${id}: ${node.target.join(' ')}: ${node.failureSummary ?? ''}`),
    );
    expect(found).toEqual([]);
  }
  root.dataset.theme = theme;
}

/** The methods that the backend was asked for with these words at the front, and with what. */
export function askedFor(backend: FakeBackend, method: string): unknown[] {
  return backend.asked.filter((asked) => asked.method === method).map(({ params }) => params);
}

let made = 0;

/** A session as the engine lists it. */
export function session(change: Partial<Session> = {}): Session {
  made += 1;
  const id = change.id ?? `session-${made}`;
  return {
    id,
    task_id: `task-${id}`,
    project_id: 'project-1',
    folder: '/projects/ledgerd',
    title: `Task ${made}`,
    endpoint: {
      name: 'ollama',
      wire: 'chat',
      base_url: 'http://127.0.0.1:11434/v1',
      model: 'qwen3-coder',
      context_window: 32768,
      origin: 'discovered',
    },
    policy: { sandbox: 'workspace-write', approve: 'ask' },
    state: 'idle',
    archived: false,
    created_at: 1_760_000_000_000,
    updated_at: 1_760_000_000_000 + made * 1000,
    usage: {
      input_tokens: 0,
      cached_input_tokens: 0,
      cache_write_tokens: 0,
      output_tokens: 0,
      reasoning_tokens: 0,
      estimated: false,
    },
    ...change,
  };
}

/** A project as the engine lists it. */
export function project(change: Partial<Project> = {}): Project {
  return {
    id: 'project-1',
    path: '/projects/ledgerd',
    name: 'ledgerd',
    opened_at: 1_760_000_000_000,
    ...change,
  };
}

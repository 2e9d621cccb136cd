import { describe, expect, test } from 'vitest';
import { userEvent } from 'vitest/browser';
import { fakeBackend } from '../../backend/fake';
import { indexStatus } from '../../backend/fakeFiles';
import type { Section } from '../../state/kerf.svelte';
import { askedFor, checkAxe, mountWith, project, session } from '../../testing';
import SettingsView from './SettingsView.svelte';

type Handlers = NonNullable<Parameters<typeof fakeBackend>[0]>;

function settings(section: Section, handlers: Handlers = {}) {
  const backend = fakeBackend({
    'settings/change': () => ({}),
    doctor: () => [
      {
        name: 'sandbox',
        state: 'warning',
        detail: 'reduced; not covered: network',
        isolation: { level: 'reduced', missing: ['network'] },
      },
    ],
    'data/show': () => ({
      folder: '/data/kerf',
      configuration: '/config/kerf.toml',
      database_bytes: 1_000_000,
      blob_bytes: 2_000_000,
      blob_room: 2_000_000_000,
      sessions: 2,
    }),
    'session/list': () => [session({ id: 'a' }), session({ id: 'b' })],
    'session/show': ({ session_id }) => ({ session: session({ id: session_id }), turns: [] }),
    'session/delete': () => ({}),
    ...handlers,
  });
  return mountWith(SettingsView, {
    backend,
    prepare: async (kerf, actions) => {
      kerf.section = section;
      kerf.endpoints.loaded = true;
      kerf.endpoints.presets = [
        {
          name: 'openai',
          title: 'OpenAI',
          wire: 'responses',
          base_url: 'https://api.openai.com/v1',
          needs_key: true,
        },
      ];
      await kerf.loadChecks();
      actions.add([
        { id: 'one', title: 'One', group: 'Go', keys: 'Mod+K', run: () => {} },
        { id: 'two', title: 'Two', group: 'Task', keys: 'Mod+J', run: () => {} },
      ]);
    },
  });
}

describe('the settings', () => {
  test.each([
    'endpoints',
    'approvals',
    'appearance',
    'keys',
    'editor',
    'notifications',
    'data',
    'doctor',
  ] as const)('can be used by everyone: %s', async (section) => {
    const { container, getByRole } = await settings(section);
    await expect.element(getByRole('heading', { level: 2 })).toBeVisible();
    await checkAxe(container);
  });

  test('change what new tasks begin with', async () => {
    const { getByRole, backend, kerf } = await settings('approvals');
    await expect.element(getByRole('listitem')).toHaveTextContent('not covered: network');
    await getByRole('radio', { name: 'Never ask' }).click();
    await expect.poll(() => askedFor(backend, 'settings/change').length).toBe(1);
    expect(kerf.draft.policy).toEqual({ sandbox: 'workspace-write', approve: 'never' });
  });

  test('list the hosts of commands, and show what is wrong with one at its field', async () => {
    const { getByRole, getByText, container, backend, kerf } = await settings('approvals', {
      'settings/change': ({ network }) => {
        if (network.allow.includes('*'))
          throw new Error('`*` is no host for the list: a star stands only before a name');
        return {};
      },
    });
    await expect.element(getByText(/^None\. A command asks/)).toBeVisible();
    const field = getByRole('textbox', { name: 'Another host' });
    await field.fill(' *.crates.io ');
    await userEvent.keyboard('{Enter}');
    await expect.poll(() => kerf.settings.current.network.allow).toEqual(['*.crates.io']);
    await expect.element(field).toHaveValue('');
    await field.fill('*');
    await userEvent.keyboard('{Enter}');
    await expect.element(getByText(/is no host for the list/)).toBeVisible();
    await expect.element(field).toHaveAttribute('aria-invalid', 'true');
    expect(kerf.settings.current.network.allow).toEqual(['*.crates.io']);
    await checkAxe(container);
    await getByRole('button', { name: 'Remove *.crates.io' }).click();
    await expect.poll(() => kerf.settings.current.network.allow).toEqual([]);
    expect(askedFor(backend, 'settings/change').length).toBe(3);
  });

  test('show the rules with their words, try a command, and take one back', async () => {
    const rule = { verdict: 'allow', active: true } as const;
    let kept = [
      {
        ...rule,
        text: 'Bash(cargo test:*)',
        words: '`cargo test` with any arguments',
        origin: { type: 'answer', id: 3, made_at: 1 },
      } as const,
    ];
    const { getByRole, getByText, getByLabelText, backend, container, kerf } = await settings('approvals', {
      'rules/list': () => ({
        rules: [
          ...kept,
          {
            ...rule,
            verdict: 'deny',
            text: 'Read(*.pem)',
            words: 'reading `*.pem`',
            origin: { type: 'settings' },
          },
          {
            ...rule,
            text: 'Bash(make:*)',
            words: '`make` with any arguments',
            origin: { type: 'project', file: '.claude/settings.json' },
            active: false,
          },
        ],
        problems: [{ file: '.claude/settings.json', text: 'Fly(x)', message: 'column 1: no tool' }],
      }),
      'trust/show': ({ folder }) => ({ folder, items: [], waits: false }),
      'rules/revoke': () => {
        kept = [];
        return {};
      },
      'rules/test': ({ command }) => [
        { command: command ?? 'ls', times: 1, verdict: 'deny', rule: null, words: '`Bash(rm:*)` denies it' },
      ],
    });
    kerf.project = project();
    await expect.element(getByText('`cargo test` with any arguments')).toBeVisible();
    await expect.element(getByText('waits for your trust')).toBeVisible();
    await expect.element(getByText('column 1: no tool', { exact: false })).toBeVisible();
    await checkAxe(container);
    await getByLabelText('Try a command').fill('rm x');
    await getByRole('button', { name: 'Try it' }).click();
    await expect.element(getByText('`Bash(rm:*)` denies it')).toBeVisible();
    expect(askedFor(backend, 'rules/test')).toEqual([{ folder: project().path, command: 'rm x' }]);
    await getByRole('button', { name: 'Revoke Bash(cargo test:*)' }).click();
    await expect.element(getByText('`cargo test` with any arguments')).not.toBeInTheDocument();
    expect(askedFor(backend, 'rules/revoke')).toEqual([{ id: 3 }]);
  });

  test('take keys by pressing them, and tell of a conflict', async () => {
    const { getByRole, kerf } = await settings('keys');
    await getByRole('button', { name: 'Keys of Two', exact: false }).click();
    await userEvent.keyboard('{Control>}k{/Control}');
    await expect.element(getByRole('alert')).toHaveTextContent('Ctrl K starts “One” already.');
    expect(kerf.settings.current.keys).toEqual({});
    await getByRole('button', { name: 'Take it from there' }).click();
    expect(kerf.settings.current.keys).toEqual({ one: '', two: 'Mod+K' });
    await getByRole('button', { name: 'Reset the keys of Two' }).click();
    expect(kerf.settings.current.keys).toEqual({ one: '' });
  });

  test('take what an endpoint charges', async () => {
    const { getByRole, getByLabelText, kerf } = await settings('endpoints', {
      'endpoint/list': () => [{ ...session().endpoint, name: 'openai', origin: 'configured' }],
      'endpoint/presets': () => [],
      'endpoint/discover': () => [],
    });
    await kerf.endpoints.load();
    await getByRole('button', { name: 'Price of openai' }).click();
    const dialog = getByRole('dialog', { name: 'Price of openai' });
    await checkAxe(dialog.element());
    await getByLabelText('Received').fill('ten');
    await expect.element(getByRole('button', { name: 'Save' })).toBeDisabled();
    await getByLabelText('Sent', { exact: true }).fill('1.25');
    await getByLabelText('Received').fill('10');
    await userEvent.keyboard('{Enter}');
    await expect.element(dialog).not.toBeInTheDocument();
    const openai = { input: 12_500, cached_input: 0, output: 100_000 };
    expect(kerf.settings.current.prices).toEqual({ openai });
  });

  test('add an endpoint: server, key, and a model that it lists', async () => {
    let reachable = false;
    const { getByRole, getByLabelText, getByText, backend, kerf } = await settings('endpoints', {
      'endpoint/list': () => [],
      'endpoint/add': ({ name, model }) => ({
        endpoint: { ...session().endpoint, name, model: model ?? '' },
        key: { place: 'memory', reason: 'no keyring answers' },
      }),
      'endpoint/models': () => {
        if (!reachable) throw new Error('the key is refused');
        return [{ id: 'gpt-5', context_window: 400_000 }];
      },
    });
    await getByRole('button', { name: 'Add endpoint…' }).click();
    await getByRole('button', { name: /OpenAI/ }).click();
    await expect.element(getByLabelText('Key for openai')).toHaveAttribute('type', 'password');
    await getByRole('button', { name: 'Test it' }).click();
    await expect.element(getByText('This server wants a key')).toBeVisible();
    await getByLabelText('Key for openai').fill('secret');
    await getByRole('button', { name: 'Test it' }).click();
    await expect.element(getByText('the key is refused')).toBeVisible();
    await expect.element(getByText('The key is kept in memory only', { exact: false })).toBeVisible();
    reachable = true;
    await getByRole('button', { name: 'Test again' }).click();
    await getByRole('option', { name: /gpt-5/ }).click();
    await expect
      .poll(() => askedFor(backend, 'endpoint/add').at(-1))
      .toMatchObject({
        name: 'openai',
        model: 'gpt-5',
        context_window: 400_000,
        key: 'secret',
        default: true,
      });
    await expect.element(getByRole('dialog')).not.toBeInTheDocument();
    expect(kerf.draft).toMatchObject({ endpoint: 'openai', model: 'gpt-5' });
  });

  test('choose which endpoint new tasks use', async () => {
    let used = 'one';
    const endpoint = (name: string) => ({ ...session().endpoint, name, origin: 'configured' as const });
    const { getByRole, getByText, backend, kerf } = await settings('endpoints', {
      'endpoint/list': () => [endpoint('one'), endpoint('two')],
      'endpoint/presets': () => [],
      'endpoint/discover': () => [],
      'endpoint/chosen': () => endpoint(used),
      'endpoint/default': ({ name }) => {
        used = name;
        return {};
      },
    });
    await kerf.endpoints.load();
    await expect.element(getByText('new tasks use it', { exact: false })).toBeVisible();
    await expect.element(getByRole('button', { name: 'Use one for new tasks' })).not.toBeInTheDocument();
    await getByRole('button', { name: 'Use two for new tasks' }).click();
    await expect.element(getByRole('button', { name: 'Use one for new tasks' })).toBeVisible();
    expect(askedFor(backend, 'endpoint/default')).toEqual([{ name: 'two' }]);
  });

  test('say how large the index is, and build it anew', async () => {
    const { getByRole, getByText, kerf, backend } = await settings('data', {
      'index/rebuild': () => ({}),
      'index/status': () => indexStatus({ size: 9_400_000 }),
    });
    await expect.element(getByText('3.0 MB')).toBeVisible();
    kerf.index.open('/projects/ledgerd');
    await expect.element(getByText('9.4 MB')).toBeVisible();
    await getByRole('button', { name: 'Rebuild' }).click();
    expect(askedFor(backend, 'index/rebuild')).toEqual([{ folder: '/projects/ledgerd' }]);
  });

  test('set the room for checkpoints, and free what is over it', async () => {
    let room = 2_000_000_000;
    const { getByRole, getByText, backend } = await settings('data', {
      'settings/change': ({ checkpoint_room }) => {
        room = checkpoint_room * 1_000_000;
        return {};
      },
      'data/show': () => ({
        folder: '/data/kerf',
        configuration: '/config/kerf.toml',
        database_bytes: 1_000_000,
        blob_bytes: 1_500_000_000,
        blob_room: room,
        sessions: 2,
      }),
      'data/collect': () => ({ bytes: 1_000_000_000, checkpoints: 12 }),
    });
    await expect.element(getByRole('radio', { name: '2.0 GB' })).toBeChecked();
    await getByText('500 MB', { exact: true }).click();
    await expect.element(getByRole('radio', { name: '500 MB' })).toBeChecked();
    expect(askedFor(backend, 'settings/change')).toMatchObject([{ checkpoint_room: 500 }]);
    await getByRole('button', { name: 'Free space now' }).click();
    await expect.element(getByText('1.0 GB freed, 12 checkpoints given up.')).toBeVisible();
  });

  test('say why nothing is freed', async () => {
    const { getByRole, getByText } = await settings('data', {
      'data/collect': () => ({ bytes: 0, checkpoints: 0, postponed: 'Kerf is at work' }),
    });
    await getByRole('button', { name: 'Free space now' }).click();
    await expect.element(getByText('Nothing was freed: Kerf is at work.')).toBeVisible();
  });

  test('write all conversations, and delete them after the word', async () => {
    const { getByRole, getByText, getByLabelText, backend } = await settings('data');
    await getByRole('button', { name: 'Export all conversations…' }).click();
    await expect.element(getByText('2 conversations written.')).toBeVisible();
    expect(backend.done[0]?.slice(0, 2)).toEqual(['saveText', 'kerf-conversations.json']);
    await getByRole('button', { name: 'Delete all conversations…' }).click();
    await expect.element(getByRole('button', { name: 'Delete all', exact: true })).toBeDisabled();
    await getByLabelText('Type the word delete').fill('delete');
    await getByRole('button', { name: 'Delete all', exact: true }).click();
    await expect.element(getByText('2 conversations deleted.')).toBeVisible();
  });
});

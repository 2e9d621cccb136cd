import { page } from 'vitest/browser';
import { beforeEach, expect, test } from 'vitest';
import { askedFor, checkAxe, session } from '../../testing';
import { ID, said, view, viewOfNone } from './staged';

beforeEach(async () => {
  await page.viewport(700, 800);
});

/** Eight bytes that begin a PNG; the rest does not matter here. */
const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function paste(field: Element, ...files: File[]) {
  const clipboardData = new DataTransfer();
  files.forEach((file) => clipboardData.items.add(file));
  const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
  field.dispatchEvent(event);
  return event;
}

test('the chips change the policy of the open task', async () => {
  const screen = await view([said('u1', 'go')], false, {
    'session/configure': ({ policy }) => session({ id: ID, policy: policy ?? undefined }),
  });
  await screen.getByRole('button', { name: 'Approvals: Ask first' }).click();
  await page.getByRole('menuitem', { name: 'Never ask' }).click();
  await expect.element(screen.getByRole('button', { name: 'Approvals: Never ask' })).toBeVisible();
  await screen.getByRole('button', { name: 'Sandbox: Workspace' }).click();
  await page.getByRole('menuitem', { name: 'Sandbox off' }).click();
  await expect.element(screen.getByRole('button', { name: 'Sandbox: Sandbox off' })).toBeVisible();
  const rest = { session_id: ID, endpoint: null, model: null };
  expect(askedFor(screen.backend, 'session/configure')).toEqual([
    { ...rest, policy: { sandbox: 'workspace-write', approve: 'never' } },
    { ...rest, policy: { sandbox: 'off', approve: 'never' } },
  ]);
});

test('without a task the chips change the draft, and the task begins with it', async () => {
  const screen = await viewOfNone('chips');
  await screen.getByRole('button', { name: 'Approvals: Ask first' }).click();
  await page.getByRole('menuitem', { name: 'Auto' }).click();
  await screen.getByRole('button', { name: 'Sandbox: Workspace' }).click();
  await page.getByRole('menuitem', { name: 'Read only' }).click();
  const policy = { sandbox: 'read-only', approve: 'auto' };
  await expect.element(screen.getByRole('button', { name: 'Sandbox: Read only' })).toBeVisible();
  expect(screen.kerf.draft.policy).toEqual(policy);
  expect(screen.backend.asked.map(({ method }) => method)).toEqual(['rules/list', 'trust/show']);
  await screen.getByRole('textbox', { name: 'Message' }).fill('begin');
  await screen.getByRole('button', { name: 'Send' }).click();
  await expect.poll(() => askedFor(screen.backend, 'session/new')).toMatchObject([{ policy }]);
});

test('the next task begins where the user says, and then it stays there', async () => {
  const begun = session({ id: 'new', folder: '/kerf/worktrees/p/t/1', worktree_of: '/p' });
  const screen = await viewOfNone('works', () => {}, { 'session/new': () => begun });
  await screen.getByRole('button', { name: 'Works: In place' }).click();
  await page.getByRole('menuitem', { name: 'In a worktree' }).click();
  await expect.element(screen.getByRole('button', { name: 'Works: In a worktree' })).toBeVisible();
  await checkAxe(screen.container);
  await screen.getByRole('textbox', { name: 'Message' }).fill('begin');
  await screen.getByRole('button', { name: 'Send' }).click();
  const workspace = { type: 'worktree', branch: null };
  await expect.poll(() => askedFor(screen.backend, 'session/new')).toMatchObject([{ workspace }]);
  await expect.element(screen.getByText('In a worktree')).toBeVisible();
  await expect.element(screen.getByRole('button', { name: /^Works:/ })).not.toBeInTheDocument();
});

test('the beginning without a language model says so, and leads to the endpoints', async () => {
  const screen = await viewOfNone('practice');
  let shown = 0;
  screen.actions.add([
    { id: 'settings.endpoints', title: 'Endpoints', group: 'Settings', run: () => (shown += 1) },
  ]);
  await expect.element(screen.getByText(/^Practice endpoint: rules inside Kerf/)).toBeVisible();
  await expect
    .element(screen.getByRole('button', { name: 'Model: practice, not a language model' }))
    .toBeVisible();
  await checkAxe(screen.container);
  await screen.getByRole('button', { name: 'Endpoints…' }).click();
  expect(shown).toBe(1);
  await screen.getByRole('button', { name: 'run the tests' }).click();
  const field = screen.getByRole('textbox', { name: 'Message' });
  await expect.element(field).toHaveValue('run the tests');
  await expect.element(field).toHaveFocus();
});

test('the beginning with a language model names it, and says nothing of practice', async () => {
  const screen = await viewOfNone('real', (kerf) => (kerf.endpoints.configured = [session().endpoint]));
  await expect.element(screen.getByRole('button', { name: 'Model: qwen3-coder · ollama' })).toBeVisible();
  await expect
    .element(screen.getByRole('button', { name: 'Explain how this project is built up' }))
    .toBeVisible();
  await expect.element(screen.getByText(/Practice/)).not.toBeInTheDocument();
  await checkAxe(screen.container);
});

test('a pasted picture goes with the message; one that cannot is told why', async () => {
  const screen = await viewOfNone('pictures');
  const field = screen.getByRole('textbox', { name: 'Message' });
  const event = paste(
    field.element(),
    new File([PNG], 'good.png', { type: 'image/png' }),
    new File([new Uint8Array(5_000_001)], 'large.png', { type: 'image/png' }),
    new File(['<svg/>'], 'drawn\u202e.svg', { type: 'image/svg+xml' }),
  );
  expect(event.defaultPrevented).toBe(true);
  await expect.element(screen.getByRole('img', { name: 'Picture 1' })).toBeInTheDocument();
  await expect
    .element(screen.getByRole('alert'))
    .toHaveTextContent(
      'Not attached: large.png: larger than 5 MB; drawn‹U+202E›.svg: only PNG, JPEG, GIF and WebP pictures',
    );
  await expect.element(screen.getByRole('img', { name: 'Picture 2' })).not.toBeInTheDocument();
  await screen.getByRole('button', { name: 'Send' }).click();
  await expect
    .poll(() => askedFor(screen.backend, 'session/prompt'))
    .toMatchObject([{ text: '', images: [{ media_type: 'image/png', data: btoa('\x89PNG\r\n\x1a\n') }] }]);
});

test('a picture is taken out again, and pasted text is left to the field', async () => {
  const screen = await viewOfNone('removed');
  const field = screen.getByRole('textbox', { name: 'Message' });
  expect(paste(field.element()).defaultPrevented).toBe(false);
  paste(field.element(), new File([PNG], 'a.png', { type: 'image/png' }));
  await screen.getByRole('button', { name: 'Remove picture 1' }).click();
  await expect.element(screen.getByRole('img')).not.toBeInTheDocument();
  await expect.element(screen.getByRole('button', { name: 'Send' })).toBeDisabled();
});

test.each([
  [560, 100],
  [560, 150],
  [630, 200],
  [1000, 100],
])('in %i pixels with text of %i percent what is pressed stays in one row', async (width, text_size) => {
  await page.viewport(width, 800);
  document.documentElement.style.setProperty('--scale', String(text_size / 100));
  try {
    const screen = await view([said('u1', 'go')], true, {
      'session/configure': () => session({ id: ID, policy: { sandbox: 'off', approve: 'never' } }),
    });
    const { settings } = screen.kerf;
    settings.current = { ...settings.current, appearance: { ...settings.current.appearance, text_size } };
    await screen.kerf.configure({ policy: { sandbox: 'off', approve: 'never' } });
    await expect.element(screen.getByRole('button', { name: 'Sandbox: Sandbox off' })).toBeVisible();
    const queue = screen.getByRole('button', { name: 'Queue' }).element();
    const row = queue.closest('.row')!;
    await expect.poll(() => row.scrollWidth).toBeLessThanOrEqual(row.clientWidth);
    const middles = [...row.querySelectorAll('button')].map((button) => {
      const { top, height } = button.getBoundingClientRect();
      return Math.round(top + height / 2);
    });
    expect(Math.max(...middles) - Math.min(...middles)).toBeLessThanOrEqual(1);
    for (const name of ['Stop', 'Queue']) {
      const button = screen.getByRole('button', { name }).element();
      expect(button.scrollWidth).toBeLessThanOrEqual(button.clientWidth);
    }
  } finally {
    document.documentElement.style.removeProperty('--scale');
  }
});

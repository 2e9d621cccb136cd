/** A conversation of a thousand entries. */

import { randomUUID } from 'node:crypto';
import type { Item } from '../src/protocol/Item';
import type { Session } from '../src/protocol/Session';
import type { Turn } from '../src/protocol/Turn';
import { expect, test } from './window';

const USAGE = {
  input_tokens: 0,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  estimated: false,
};

/** So many turns of four entries. */
function turns(count: number): Turn[] {
  return Array.from({ length: count }, (_, at) => {
    const turn_id = randomUUID();
    const created_at = 1_760_000_000_000 + at * 60_000;
    const item = (part: number, body: object) =>
      ({ id: randomUUID(), turn_id, created_at, status: 'completed', step: 1, part, ...body }) as Item;
    return {
      id: turn_id,
      state: 'completed',
      created_at,
      usage: USAGE,
      items: [
        item(0, { type: 'user_message', text: `question ${at}` }),
        item(1, { type: 'reasoning', text: `thought ${at}` }),
        item(2, {
          type: 'tool_call',
          call_id: `call-${at}`,
          tool: 'read_file',
          arguments: { path: 'README.md' },
          title: 'Read README.md',
          output: `output ${at}\n`,
        }),
        item(3, {
          type: 'agent_message',
          text: `answer **${at}**\n\n\`\`\`rust\nfn answer() -> u32 { ${at} }\n\`\`\`\n\n- one\n- two`,
        }),
      ],
    };
  });
}

test('opens at its end, mounts what is seen, and goes to its beginning and back', async ({ open }) => {
  const kerf = await open();
  const { page, stream } = kerf;
  const session: Session = await kerf.rpc('session/new', {
    folder: kerf.repository.path,
    policy: { sandbox: 'workspace-write', approve: 'ask' },
    endpoint: null,
    model: null,
  });
  const imported = await kerf.rpc('session/import', {
    session: { ...session, title: 'A thousand entries' },
    turns: turns(250),
  });
  expect(imported.title).toBe('A thousand entries');
  await kerf.reopen();
  await kerf.task('A thousand entries').click();

  const nodes = () => page.evaluate(() => document.querySelectorAll('*').length);
  await stream.getByText('question 249').waitFor();
  expect(await nodes()).toBeLessThan(3000);
  expect(await kerf.button('Jump to the latest').count()).toBe(0);

  // Up to the first entry, as far as the wheel goes.
  await stream.hover();
  await expect
    .poll(
      async () => {
        await page.mouse.wheel(0, -200_000);
        return await stream.getByText('question 0', { exact: true }).count();
      },
      { timeout: 30_000 },
    )
    .toBe(1);
  expect(await stream.getByText('question 0', { exact: true }).isVisible()).toBe(true);
  expect(await nodes()).toBeLessThan(3000);

  await kerf.button('Jump to the latest').click();
  await stream.getByText('question 249').waitFor();
  await kerf.button('Jump to the latest').waitFor({ state: 'detached' });
  expect(await nodes()).toBeLessThan(3000);
  const last = stream.getByText('answer 249').last();
  await last.waitFor();
  expect(await last.evaluate((node) => node.getBoundingClientRect().bottom < innerHeight)).toBe(true);
});

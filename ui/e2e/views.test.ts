/** Each view, looked at by axe-core and kept as a picture, dark and light. */

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { overlaps } from '../src/overlaps';
import { gate } from './model';
import { expect, PICTURES, test, type Window } from './window';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Checks what is on screen, and writes the picture. */
async function look(kerf: Window, name: string, theme: string) {
  const { page } = kerf;
  await kerf.settled();
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}-${theme}.png`), animations: 'disabled' });
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(
    () =>
      (window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }).axe.run({
        resultTypes: ['violations'],
      }) as Promise<AxeResults>,
  );
  const found = violations.flatMap(({ id, nodes }) =>
    nodes
      // What moves the edge between two landmarks is in neither.
      .filter(({ html }) => id !== 'region' || !html.includes('role="separator"'))
      .map(({ target, failureSummary }) => `${name}: ${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
  expect.soft(found).toEqual([]);
}

/** Looks at widths of the window, in pixels, whether text lies on text or leaves the window. */
async function fits(kerf: Window, name: string, widths: number[]) {
  for (const width of widths) {
    await kerf.page.setViewportSize({ width, height: 900 });
    await kerf.settled();
    const found = await kerf.page.locator('body').evaluate(overlaps);
    expect.soft(found, `${name} at ${width}`).toEqual([]);
  }
}

const MONEY = `//! Amounts in the smallest unit of their currency.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Splits an amount into equal parts.
    pub fn split(self, parts: u32) -> Vec<Money> {
        let total = self.minor;
        let share = total.div_ceil(parts as i64);
        (0..parts).map(|_| Money::new(share, self.currency)).collect()
    }

    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    pub fn negated(self) -> Self {
        Self::new(-self.minor, self.currency)
    }
}

fn sign(n: i64) -> i64 {
    n.signum()
}
`;

const FILES = {
  'crates/money/src/money.rs': MONEY,
  'crates/money/src/refund.rs':
    'pub fn refund(paid: i64, share: i64) -> i64 {\n    (paid + share - 1) / share\n}\n',
  'CHANGELOG.md': '# Changes\n\n## Next\n\n- Payouts round half to even.\n',
  'AGENTS.md': 'Run the tests before you say that you are done.\n',
};

const edit = (path: string, ...edits: [string, string][]) => ({
  call: 'edit_file',
  with: { path, edits: edits.map(([old, text]) => ({ old, new: text })) },
});

/** A task with everything that a conversation shows. */
async function work(kerf: Window) {
  await kerf.button('Approvals: Ask first').click();
  await kerf.page.getByRole('menuitem', { name: 'Auto' }).click();
  kerf.model
    .replies(
      { thinks: 'Refunds go through split. I look for where it rounds.' },
      { call: 'grep', with: { pattern: 'div_ceil' } },
      { call: 'read_file', with: { path: 'crates/money/src/money.rs' } },
      { call: 'read_file', with: { path: 'crates/money/src/refund.rs' } },
    )
    .replies(
      'The cause is in `money.rs:17`: `div_ceil` rounds every remainder up, so a refund of 0.4 cent becomes 1.\n\n' +
        '| amount | before | after |\n|---|---:|---:|\n| 0.4 | 1 | 0 |\n| 0.6 | 1 | 1 |\n\n' +
        '```rust\nlet share = div_half_even(total, parts as i64);\n```\n\nSee [the rule](https://example.com/rounding).',
      {
        call: 'update_plan',
        with: {
          steps: [
            { step: 'Find where a refund is rounded', status: 'completed' },
            { step: 'Round half to even in Money::split', status: 'in_progress' },
            { step: 'Prove it with a test', status: 'pending' },
          ],
        },
      },
      edit(
        'crates/money/src/money.rs',
        [
          '        let share = total.div_ceil(parts as i64);\n        (0..parts).map(|_|',
          '        let share = div_half_even(total, parts as i64);\n        let rest = total - share * parts as i64;\n        (0..parts).map(|_|',
        ],
        [
          'fn sign(n: i64) -> i64 {\n    n.signum()\n}\n',
          '/// Divides, rounding halves to the even neighbour.\nfn div_half_even(n: i64, d: i64) -> i64 {\n    let (q, r) = (n.div_euclid(d), n.rem_euclid(d));\n    match (2 * r).cmp(&d) {\n        Ordering::Greater => q + 1,\n        Ordering::Equal => q + (q & 1),\n        Ordering::Less => q,\n    }\n}\n',
        ],
      ),
      edit('CHANGELOG.md', ['- Payouts', '- Refunds round half to even, as payouts do.\n- Payouts']),
      {
        call: 'write_file',
        with: {
          path: 'crates/money/tests/rounding.rs',
          content:
            '#[test]\nfn halves_go_to_the_even_neighbour() {\n    assert_eq!(eur(1).split(2), [eur(0), eur(0)]);\n}\n',
        },
      },
    )
    .replies({
      call: 'run_command',
      with: {
        command: "printf 'running 18 tests\\n\\033[32mtest result: ok\\033[0m. 18 passed; 0 failed\\n'",
      },
    })
    .replies({ call: 'run_command', with: { command: 'false' } })
    .replies('Refunds under 1 cent are right now, and a test holds it. **18 tests** pass.');
  await kerf.send(
    'Refunds under 1 cent come out as 1 cent too much for EUR. Find out why, fix it, and prove it with a test.',
  );
  await expect
    .poll(
      async () => {
        // Where the machine cannot isolate, commands are asked about.
        const allow = kerf.button('Allow once', kerf.stream);
        if (await allow.count()) await kerf.allow();
        return await kerf.stream.getByText('Refunds under 1 cent are right now').count();
      },
      { timeout: 30_000 },
    )
    .toBe(1);
  await kerf.ended();
  const { review, page } = kerf;
  await review.getByRole('heading', { name: '3 files' }).waitFor();
  await review.getByRole('region', { name: 'Changes' }).focus();
  await page.keyboard.press('y');
  await review.getByText(/^1 of \d+ hunks accepted/).waitFor();
  await kerf.settled();
  await page.keyboard.press('c');
  const editor = review.getByRole('textbox', { name: /^Comment on/ });
  await editor.fill('Give the remainder to the first part, not the last.');
  await editor.press('ControlOrMeta+Enter');
  await review.getByText('Give the remainder to the first part').waitFor();
  await kerf.settled();
}

const SECTIONS = [
  'Endpoints',
  'Approvals and sandbox',
  'Appearance',
  'Keys',
  'Editor',
  'Notifications',
  'Data',
  'What works here',
];

for (const theme of ['dark', 'light'] as const) {
  test(`the window as it is first seen, ${theme}`, async ({ open }) => {
    const kerf = await open({ empty: true, theme });
    await kerf.page.getByText('Drop a folder here').waitFor();
    await look(kerf, 'welcome', theme);
    await kerf.reopen(`?folder=${encodeURIComponent(kerf.repository.path)}`);
    await kerf.page.getByRole('heading', { name: /What is to be done/ }).waitFor();
    await look(kerf, 'new-task', theme);
  });

  test(`a task, its review, and what lies over them, ${theme}`, async ({ open }) => {
    const kerf = await open({ files: FILES, theme });
    const { page, stream, review } = kerf;
    await work(kerf);
    await look(kerf, 'task', theme);

    await stream.hover();
    await page.mouse.wheel(0, -10_000);
    await stream.getByText('Refunds under 1 cent come out').first().waitFor();
    await look(kerf, 'conversation', theme);

    await review.getByText('Split', { exact: true }).click();
    await look(kerf, 'review-split', theme);
    await review.getByText('Unified', { exact: true }).click();

    await kerf.button(/^Commit 1/, review).click();
    await page.getByRole('dialog').waitFor();
    await look(kerf, 'commit', theme);
    await page.keyboard.press('Escape');

    await page.keyboard.press('ControlOrMeta+k');
    await page.getByRole('combobox').waitFor();
    await look(kerf, 'palette', theme);
    await page.keyboard.press('Escape');

    await page.keyboard.press('ControlOrMeta+Shift+F');
    await page.getByRole('textbox', { name: 'Search in the project' }).fill('half');
    await page.getByRole('tree', { name: 'Results' }).waitFor();
    await look(kerf, 'search', theme);
    await page.keyboard.press('Escape');

    await kerf.button('ledger').click();
    await page.getByRole('list', { name: 'Requests' }).getByRole('button').first().click();
    await page.getByRole('region', { name: 'Body' }).waitFor();
    await look(kerf, 'ledger', theme);
  });

  test(`a question, while another message waits, ${theme}`, async ({ open }) => {
    const kerf = await open({ files: FILES, theme });
    const hold = gate();
    kerf.model.replies('I change the rounding and say so in the list of changes.', hold.step, {
      call: 'edit_file',
      with: {
        path: 'crates/money/src/money.rs',
        edits: [{ old: 'div_ceil(parts as i64)', new: 'div_euclid(parts as i64)' }],
      },
    });
    await kerf.send('Round refunds down');
    await kerf.stream.getByText('I change the rounding').waitFor();
    await look(kerf, 'running', theme);
    await kerf.send('and tell me why');
    await kerf.page.getByText('queued: and tell me why').waitFor();
    hold.open();
    await kerf.button('Allow once', kerf.stream).waitFor();
    await look(kerf, 'approval', theme);
  });

  test(`the settings, ${theme}`, async ({ open }) => {
    const kerf = await open({ theme });
    await kerf.page.keyboard.press('ControlOrMeta+,');
    const sections = kerf.page.getByRole('navigation', { name: 'Settings' });
    for (const section of SECTIONS) {
      await kerf.button(section, sections).click();
      await kerf.page.getByRole('heading', { name: section }).waitFor();
      await look(kerf, `settings-${section.toLowerCase().replaceAll(' ', '-')}`, theme);
    }
    await kerf.button('Endpoints', sections).click();
    await kerf.button('Add endpoint…').click();
    await kerf.page.getByRole('dialog', { name: 'Add endpoint' }).waitFor();
    await look(kerf, 'add-endpoint', theme);
  });
}

test('no text lies on another, however wide the window and large the text', async ({ open }) => {
  const kerf = await open({ files: FILES });
  const { page, review } = kerf;
  await work(kerf);
  const all = async (size: string, widths: number[]) => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await fits(kerf, `the task ${size}`, widths);
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.press('ControlOrMeta+Shift+F');
    await page.getByRole('textbox', { name: 'Search in the project' }).fill('half');
    await page.getByRole('tree', { name: 'Results' }).waitFor();
    await fits(kerf, `search ${size}`, widths);
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.press('ControlOrMeta+k');
    await page.getByRole('combobox').fill('round');
    await fits(kerf, `the palette ${size}`, widths);
    await page.keyboard.press('Escape');
    await page.keyboard.press('ControlOrMeta+,');
    for (const section of SECTIONS) {
      await kerf.button(section, page.getByRole('navigation', { name: 'Settings' })).click();
      await page.getByRole('heading', { name: section }).waitFor();
      await fits(kerf, `${section} ${size}`, widths);
      await page.setViewportSize({ width: 1440, height: 900 });
    }
    await page.keyboard.press('Escape');
  };
  await all('at 100 %', [900, 1440, 3000]);
  await review.getByText('Split', { exact: true }).click();
  await fits(kerf, 'the split review', [1440, 3000]);
  await page.setViewportSize({ width: 1440, height: 900 });
  for (let step = 0; step < 10; step += 1) await page.keyboard.press('ControlOrMeta+=');
  await all('at 200 %', [900, 1440, 3000]);
});

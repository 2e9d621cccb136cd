/** The main job, from a folder to a commit. */

import { gate } from './model';
import { expect, test } from './window';

const line = (at: number) => `let line_${at} = ${at};\n`;
const lines = (...changed: number[]) =>
  Array.from({ length: 40 }, (_, at) =>
    changed.includes(at) ? `let changed_${at} = ${at * 2};\n` : line(at),
  ).join('');

test('a folder, a message, an approval, a review, a commit', async ({ open }) => {
  const kerf = await open({ files: { 'src/lines.rs': lines(), 'other.txt': 'stays\n' } });
  const { page, model, repository, review, stream } = kerf;
  const middle = gate();
  model
    .replies('I read the file first, ', middle.step, 'then I change it.', {
      call: 'read_file',
      with: { path: 'src/lines.rs' },
    })
    .replies(
      { thinks: 'Three places are far apart.' },
      {
        call: 'edit_file',
        with: {
          path: 'src/lines.rs',
          edits: [2, 20, 37].map((at) => ({ old: line(at), new: `let changed_${at} = ${at * 2};\n` })),
        },
      },
    )
    .replies('Three lines are **changed**.');

  await kerf.send('Double the lines 2, 20 and 37');

  // The stream, while it is held.
  await stream.getByText('I read the file first,').waitFor();
  await kerf.button('Stop').waitFor();
  expect(await stream.getByText('then I change it.').count()).toBe(0);
  middle.open();

  // The question, whole; nothing is written before the answer.
  const question = stream.getByRole('region', { name: /Make this change\?/ });
  await question.waitFor();
  const asked = await question.getByLabel('What is asked').innerText();
  for (const at of [2, 20, 37]) {
    expect(asked).toContain(`-let line_${at} = ${at};`);
    expect(asked).toContain(`+let changed_${at} = ${at * 2};`);
  }
  expect(repository.read('src/lines.rs')).toBe(lines());
  await kerf.allow();
  await stream.getByText('Allowed once').waitFor();
  await kerf.file('src/lines.rs', lines(2, 20, 37));
  await kerf.ended();

  // The calls are folded to a line each.
  const call = kerf.button(/Read src\/lines\.rs/, stream);
  expect(await call.getAttribute('aria-expanded')).toBe('false');
  await call.click();
  await stream.getByLabel('Arguments').waitFor();
  await stream.getByText('changed', { exact: true }).waitFor();

  // The review.
  await review.getByRole('heading', { name: '1 file', exact: true }).waitFor();
  await review.getByText('0 of 3 hunks accepted, 0 rejected, 3 to go').waitFor();
  await review.getByRole('region', { name: 'Changes' }).focus();
  await page.keyboard.press('y');
  await review.getByText('1 of 3 hunks accepted, 0 rejected, 2 to go').waitFor();
  expect(repository.read('src/lines.rs')).toBe(lines(2, 20, 37));
  await page.keyboard.press('n');
  await review.getByText('1 of 3 hunks accepted, 1 rejected, 1 to go').waitFor();
  await kerf.file('src/lines.rs', lines(2, 37));
  await page.keyboard.press('u');
  await review.getByText('1 of 3 hunks accepted, 0 rejected, 2 to go').waitFor();
  await kerf.file('src/lines.rs', lines(2, 20, 37));
  await page.keyboard.press('n');
  await kerf.file('src/lines.rs', lines(2, 37));
  await kerf.button('Accept rest', review).click();
  await review.getByText('2 of 3 hunks accepted, 1 rejected, none to go').waitFor();

  // The commit.
  await kerf.button('Commit 2…', review).click();
  const dialog = page.getByRole('dialog', { name: 'Commit 2 hunks' });
  await dialog.getByLabel('First line of the message').fill('Double two lines');
  await dialog.getByLabel('Body of the message').fill('They were half of what they should be.');
  await kerf.button(/^Commit/, dialog).click();
  await page.getByRole('dialog', { name: 'Committed' }).waitFor();
  await kerf.button('Close').click();
  await review.getByText('Nothing to review').waitFor();

  expect(repository.git('log', '--format=%an|%B', '-1')).toBe(
    'Ada|Double two lines\n\nThey were half of what they should be.',
  );
  expect(repository.git('show', '--format=', '--name-only', 'HEAD')).toBe('src/lines.rs');
  expect(repository.git('show', 'HEAD:src/lines.rs') + '\n').toBe(lines(2, 37));
  expect(repository.git('status', '--porcelain')).toBe('');
  expect(await kerf.failure.count()).toBe(0);
});

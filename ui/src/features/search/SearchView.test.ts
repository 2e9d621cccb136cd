import { page, userEvent } from 'vitest/browser';
import { beforeEach, describe, expect, test } from 'vitest';
import { fakeBackend, type FakeBackend, type Handlers } from '../../backend/fake';
import { overFiles, type FakeFolder } from '../../backend/fakeFiles';
import { RequestError } from '../../backend/backend';
import type { Search } from '../../protocol/Search';
import type { SearchAnswer } from '../../protocol/SearchAnswer';
import { draftKey, draftOf } from '../../state/drafts.svelte';
import type { Kerf } from '../../state/kerf.svelte';
import { askedFor, checkAxe, mountWith, project } from '../../testing';
import { FILES } from './sample';
import SearchView from './SearchView.svelte';

beforeEach(async () => {
  localStorage.clear();
  await page.viewport(1440, 900);
});

async function open(
  folder: Partial<FakeFolder> = {},
  more: Handlers = {},
  prepare: (kerf: Kerf) => unknown = () => {},
) {
  const backend = fakeBackend({ ...overFiles({ files: FILES, ...folder }), ...more });
  const screen = await mountWith(SearchView, {
    backend,
    prepare: (kerf) => {
      kerf.project = project();
      kerf.projects = [kerf.project];
      prepare(kerf);
    },
  });
  const field = screen.getByRole('textbox', { name: 'Search in the project' });
  return { ...screen, field, tree: screen.getByRole('tree', { name: 'Results' }) };
}

const searches = (backend: FakeBackend) => askedFor(backend, 'search/run') as Search[];

describe('search', () => {
  test('says what can be searched, and begins with an example', async () => {
    const { field, getByRole, container, tree } = await open();
    await expect.element(field).toHaveFocus();
    await checkAxe(container);
    await getByRole('button', { name: 'fn \\w+_even' }).click();
    await expect.element(field).toHaveValue('fn \\w+_even');
    await expect.element(getByRole('radio', { name: 'Regular expression' })).toBeChecked();
    await expect.element(tree.getByText('fn div_half_even', { exact: true })).toBeVisible();
  });

  test('finds words by file with their marks, and tells how many and how fast', async () => {
    const { field, tree, getByText, container, backend } = await open();
    await field.fill('div_half_even');
    await expect.element(getByText('5 hits in 4 files')).not.toBeInTheDocument();
    await expect.element(getByText(/hits in \d files/)).toBeVisible();
    await expect.element(getByText('6 ms')).toBeVisible();
    await expect.element(tree.getByRole('treeitem', { name: /^money\.rs crates\/money\/src/ })).toBeVisible();
    const marked = [...container.querySelectorAll('.hit .word')].map((mark) => mark.textContent);
    expect(new Set(marked)).toEqual(new Set(['div_half_even']));
    // The line says where it stands.
    await expect
      .element(tree.getByRole('treeitem', { name: /let share = div_half_even.*split/ }))
      .toBeVisible();
    expect(searches(backend).at(-1)).toMatchObject({
      folder: '/projects/ledgerd',
      query: 'div_half_even',
      mode: 'words',
      limit: 500,
    });
    await checkAxe(container);
  });

  test('names its searches alike, asks once a frame, and drops what was overtaken', async () => {
    const answers: ((answer: SearchAnswer) => void)[] = [];
    const { field, tree, backend, kerf } = await open(
      {},
      { 'search/run': () => new Promise((resolve) => answers.push(resolve)) },
    );
    const found = (text: string): SearchAnswer => ({
      hits: [
        {
          path: 'a.rs',
          line: 1,
          column: 1,
          text,
          marks: [],
          score: 0,
          kind: 'text',
          symbol: null,
          symbol_kind: null,
          last_line: 1,
        },
      ],
      total: 1,
      files: 1,
      more: false,
      skipped: [],
      scanned: null,
      micros: 1,
    });
    await field.fill('a');
    await expect.poll(() => answers.length).toBe(1);
    // Both are typed within one frame.
    kerf.search.query = 'ab';
    kerf.search.query = 'abc';
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.(found('the new one'));
    await expect.element(tree.getByText('the new one')).toBeVisible();
    answers[0]?.(found('the old one'));
    await new Promise((resolve) => requestAnimationFrame(resolve));
    await expect.element(tree.getByText('the old one')).not.toBeInTheDocument();
    const asked = searches(backend);
    expect(asked.map(({ query }) => query)).toEqual(['a', 'abc']);
    expect(asked[0]?.instead_of).toBeTruthy();
    expect(asked[0]?.instead_of).toBe(asked[1]?.instead_of);
    expect(kerf.search.field().asked).toBeNull();
  });

  test('is used by keys alone: field, list, folds, editor', async () => {
    const { field, tree, backend, getByRole } = await open();
    await field.fill('split');
    await userEvent.keyboard('{Alt>}e{/Alt}');
    await expect.element(getByRole('radio', { name: 'Exact' })).toBeChecked();
    await expect.element(tree.getByText('paid.')).toBeVisible();
    await userEvent.keyboard('{ArrowDown}');
    await expect.element(tree).toHaveFocus();
    const chosen = getByRole('treeitem', { selected: true });
    await expect.element(chosen).toHaveTextContent('pub fn split(self, parts: u32)');
    await userEvent.keyboard('{Enter}');
    await expect
      .poll(() => backend.done)
      .toEqual([['openFile', '/projects/ledgerd', 'crates/money/src/money.rs', 11]]);
    await userEvent.keyboard('{ArrowLeft}{ArrowLeft}');
    await expect.element(chosen).toHaveAttribute('aria-expanded', 'false');
    await expect.element(tree.getByRole('treeitem', { name: /pub fn split\(self/ })).not.toBeInTheDocument();
    await userEvent.keyboard('{ArrowRight}');
    await expect.element(chosen).toHaveAttribute('aria-expanded', 'true');
    await userEvent.keyboard('{ArrowUp}');
    await expect.element(field).toHaveFocus();
  });

  test('Enter in the field waits for the answer to what stands there', async () => {
    const { field, backend } = await open();
    await field.fill('refund never');
    await userEvent.keyboard('{Enter}');
    await expect
      .poll(() => backend.done)
      .toEqual([['openFile', '/projects/ledgerd', 'crates/money/src/refund.rs', 3]]);
  });

  test('adds places to the message', async () => {
    const { field, tree, kerf, getByText, getByRole } = await open({}, {}, (kerf) => {
      kerf.project = project({ id: 'mentions' });
    });
    await field.fill('never rounds');
    await expect.element(tree).toBeVisible();
    await userEvent.keyboard('{ArrowDown}{Alt>}{Enter}{/Alt}');
    await expect.element(getByText('is in the message.')).toHaveTextContent('crates/money/src/refund.rs:3');
    await getByRole('button', { name: 'Add crates/money/src/refund.rs:3 to message' }).click();
    const { text } = draftOf(draftKey(kerf.task, kerf.project));
    expect(text).toBe('crates/money/src/refund.rs:3 crates/money/src/refund.rs:3 ');
    await getByRole('button', { name: 'Write the message' }).click();
    expect(kerf.view).toBe('task');
  });

  test('sends the filters, and says them in a line', async () => {
    const { field, getByRole, getByText, backend, tree } = await open();
    await field.fill('rounding');
    await getByRole('button', { name: 'Filters' }).click();
    await getByRole('textbox', { name: 'Only in these paths' }).fill('.github, docs');
    await getByRole('checkbox', { name: 'Hidden files' }).click();
    await expect.element(getByRole('checkbox', { name: 'Multi-line' })).toBeDisabled();
    await expect.element(getByText('in .github, docs · hidden files too')).toBeVisible();
    await expect.element(tree.getByText('test.yml')).toBeVisible();
    await expect.element(tree.getByText('refund.rs')).not.toBeInTheDocument();
    expect(searches(backend).at(-1)?.within).toEqual({
      paths: ['.github', 'docs'],
      languages: [],
      hidden: true,
      ignore_case: false,
      multi_line: false,
    });
    await checkAxe();
    await getByRole('button', { name: 'Clear' }).click();
    await expect.element(tree.getByText('refund.rs')).toBeVisible();
  });

  test('points at the character that is wrong, and finds again when it is mended', async () => {
    const { field, getByRole, tree, kerf } = await open();
    kerf.search.mode = 'regex';
    await field.fill('fn (div');
    const alert = getByRole('alert');
    await expect.element(alert).toHaveTextContent('not a valid regular expression at column 4');
    await expect.element(alert.getByText('(', { exact: true })).toBeVisible();
    await expect.element(field).toHaveAttribute('aria-invalid', 'true');
    await checkAxe();
    await field.fill('fn (div)');
    await expect.element(tree).toBeVisible();
    await expect.element(alert).not.toBeInTheDocument();
  });

  test('says what was not searched, why no index was used, and that there is more', async () => {
    const skipped = [
      { path: 'data/all.json', reason: 'It is larger than 4 MB' },
      { path: 'src/\u202egone.rs', reason: 'It cannot be read: permission denied' },
    ];
    const many = Array.from({ length: 700 }, (_, at) => `round ${at}`).join('\n');
    const { field, getByRole, getByText, container } = await open({
      files: { 'many.txt': many },
      skipped,
      scanned: 'it is being built',
    });
    await field.fill('round');
    await expect.element(getByText('the first 500 of 700 hits in 1 file')).toBeVisible();
    await expect.element(getByText('There are more: narrow the search.')).toBeVisible();
    await expect.element(getByText('without the index: it is being built')).toBeVisible();
    expect(container.querySelectorAll('[role=treeitem]').length).toBeLessThan(120);
    await getByRole('button', { name: '2 files could not be searched' }).click();
    const dialog = getByRole('dialog', { name: 'Files that could not be searched' });
    await expect.element(dialog).toHaveTextContent('src/‹U+202E›gone.rs');
    await expect.element(dialog).toHaveTextContent('It cannot be read: permission denied');
    await checkAxe();
  });

  test('shows the place in its file, also of a symbol and of a file', async () => {
    const { field, getByRole, kerf } = await open();
    await field.fill('div_half');
    const preview = getByRole('region', { name: 'Preview' });
    await expect.element(preview).toHaveTextContent('Divides, rounding halves');
    kerf.search.mode = 'symbol';
    await expect
      .element(getByRole('treeitem', { selected: true }))
      .toHaveTextContent(/div_half_even.*function.*crates\/money\/src\/money\.rs:20/);
    kerf.search.mode = 'path';
    await field.fill('rounding.md');
    await expect.element(preview).toHaveTextContent('Refunds round half to even');
    await checkAxe();
    await preview.getByRole('button', { name: 'Sent' }).click();
    expect(kerf.view).toBe('ledger');
    expect(kerf.ledger.reading.about).toMatchObject({ folder: kerf.folder, file: 'docs/rounding.md' });
    await page.viewport(900, 700);
    await expect.element(preview).not.toBeInTheDocument();
  });

  test('shows hidden characters of paths and lines as marks', async () => {
    const { field, tree } = await open();
    await field.fill('evil');
    await expect.element(tree).toHaveTextContent('evil‹U+202E›cod.rs');
    await expect.element(tree).toHaveTextContent('/* ‹U+202E› round */');
  });

  test('has a word for nothing found, for a failure, and for no folder', async () => {
    let broken = true;
    const files = overFiles({ files: FILES });
    const { field, getByText, getByRole, kerf } = await open(
      {},
      {
        'search/run': (search) => {
          if (broken) throw new RequestError({ code: 'storage', message: 'the disk is gone', hint: 'Look' });
          return files['search/run']?.(search) as SearchAnswer;
        },
      },
    );
    await field.fill('zzz');
    await expect.element(getByRole('alert')).toHaveTextContent('the disk is gone');
    broken = false;
    await field.fill('zzzz');
    await expect.element(getByText('Nothing found for “zzzz”.')).toBeVisible();
    kerf.project = null;
    await expect.element(getByText('Open a folder to search in it.')).toBeVisible();
  });
});

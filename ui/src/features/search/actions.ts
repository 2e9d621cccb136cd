/** What the search view can do by keys, while it is on screen. */

import type { Action } from '../../app/actions.svelte';
import type { CodeSearch } from '../../state/codeSearch.svelte';
import { MODES } from './words';

export function searchActions(search: CodeSearch): Action[] {
  const exact = () => search.mode === 'exact' || search.mode === 'regex';
  return [
    ...MODES.map(({ value, title, keys }): Action => ({
      id: `search.mode.${value}`,
      title: `Search: ${title.toLowerCase()}`,
      group: 'Go',
      keys,
      run: () => (search.mode = value),
    })),
    {
      id: 'search.hidden',
      title: 'Search: hidden files too, or not',
      group: 'Go',
      keys: 'Alt+H',
      run: () => (search.hidden = !search.hidden),
    },
    {
      id: 'search.ignoreCase',
      title: 'Search: ignore case, or not',
      group: 'Go',
      keys: 'Alt+C',
      enabled: exact,
      run: () => (search.ignoreCase = !search.ignoreCase),
    },
    {
      id: 'search.multiLine',
      title: 'Search: over lines, or not',
      group: 'Go',
      keys: 'Alt+M',
      enabled: () => search.mode === 'regex',
      run: () => (search.multiLine = !search.multiLine),
    },
  ];
}

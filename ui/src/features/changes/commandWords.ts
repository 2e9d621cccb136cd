/** Words for commands of git's. */

import { visible } from '../../components/visible';
import type { GitAct } from '../../protocol/GitAct';

export function titleOf(act: GitAct): string {
  switch (act.type) {
    case 'fetch':
      return 'Fetch';
    case 'pull':
      return act.how === 'merge' ? 'Pull and merge' : act.how === 'rebase' ? 'Pull and rebase' : 'Pull';
    case 'push':
      return 'Push';
    case 'commit':
      return act.amend ? 'Amend with git' : 'Commit with git';
    case 'continue':
      return 'Continue';
    case 'abort':
      return 'Abort';
    case 'open_pull':
      return 'Open a pull request';
    case 'lfs_pull':
      return 'Fetch large files';
  }
}

/** The words as one would type them in a shell. Only shown: no shell reads them. */
export function inShell(argv: string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${visible(word).replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** How a branch and its upstream stand to each other, as last seen. */
export function aheadWords(ahead: number, behind: number): string {
  const parts = [ahead ? `${ahead} to push` : '', behind ? `${behind} to pull` : ''];
  return parts.filter(Boolean).join(', ');
}

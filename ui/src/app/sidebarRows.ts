/** The rows of the sidebar's list: headings and tasks in their groups, or what a search found. */

import { clock, counted, day, elapsed } from '../components/format';
import type { Session } from '../protocol/Session';
import type { SessionHit } from '../protocol/SessionHit';
import { byNumber, type Groups } from '../state/tasks.svelte';

export type SidebarRow =
  | { type: 'heading'; key: string; title: string; aside: string }
  /** `attempts`: all of the task's sessions when there are several; `session` is then the one that needs the user most. */
  | { type: 'task'; key: string; session: Session; attempts?: Session[] }
  | { type: 'hit'; key: string; hit: SessionHit };

export function taskRows(groups: Groups, now = Date.now()): SidebarRow[] {
  const all = [...groups.needsYou, ...groups.running, ...groups.done];
  const attempts = new Map<string, Session[]>();
  for (const session of all)
    attempts.set(session.task_id, [...(attempts.get(session.task_id) ?? []), session]);
  // A task stands where the attempt stands that needs the user most, and of those that are done, the last one.
  const first = (session: Session) => attempts.get(session.task_id)?.[0]?.id === session.id;
  const [needsYou, running, done] = [groups.needsYou, groups.running, groups.done].map((group) =>
    group.filter(first),
  ) as [Session[], Session[], Session[]];
  const rows: SidebarRow[] = [];
  const heading = (title: string, aside = '') =>
    rows.push({ type: 'heading', key: `heading ${title} ${aside}`, title, aside });
  const tasks = (sessions: Session[]) =>
    sessions.forEach((session) => {
      const of = attempts.get(session.task_id) ?? [];
      if (of.length < 2) rows.push({ type: 'task', key: session.id, session });
      else rows.push({ type: 'task', key: session.task_id, session, attempts: of.sort(byNumber) });
    });
  if (running.length > 0) heading('Running');
  tasks(running);
  if (needsYou.length > 0) heading('Needs you');
  tasks(needsYou);
  let last = '';
  for (const session of [...done].sort((a, b) => b.updated_at - a.updated_at)) {
    const when = day(session.updated_at, now);
    if (when !== last) heading(last === '' ? 'Done' : when, last === '' ? when : '');
    last = when;
    tasks([session]);
  }
  return rows;
}

/** Titles that have the words, then the places in conversations. */
export function foundRows(all: Session[], hits: SessionHit[], words: string): SidebarRow[] {
  const low = words.toLowerCase();
  const titled = all.filter(({ title }) => title.toLowerCase().includes(low));
  const rows: SidebarRow[] = [];
  if (titled.length > 0) rows.push({ type: 'heading', key: 'titles', title: 'Titles', aside: '' });
  titled.forEach((session) => rows.push({ type: 'task', key: session.id, session }));
  if (hits.length > 0) rows.push({ type: 'heading', key: 'hits', title: 'In conversations', aside: '' });
  hits.forEach((hit, at) => rows.push({ type: 'hit', key: `hit ${at} ${hit.session_id}`, hit }));
  return rows;
}

/** What stands at the right of a task: how long it runs, what it waits for, or when it ended. */
export function asideOf(
  session: Session,
  known: { now: number; started: number | undefined; hunks: number | undefined },
): string {
  switch (session.state) {
    case 'running':
      return known.started === undefined ? 'runs' : elapsed(known.now - known.started);
    case 'waiting':
      return 'asks';
    case 'interrupted':
      return 'stopped';
    case 'idle':
      if (session.archived) return 'archived';
      return known.hunks ? counted(known.hunks, 'hunk') : clock(session.updated_at);
  }
}

/** A snippet in parts: what was found stands between U+E000 and U+E001. */
export function marked(snippet: string): { text: string; found: boolean }[] {
  return snippet
    .split(/(\ue000[^\ue001]*\ue001?)/)
    .map((part) => ({ text: part.replace(/[\ue000\ue001]/g, ''), found: part.startsWith('\ue000') }))
    .filter(({ text }) => text !== '');
}

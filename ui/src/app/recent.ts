/** What was taken in the palette, last first. Kept from one start to the next. */

const KEPT = 'kerf.recent';
const MOST = 30;

export function recentPicks(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? '[]');
    return Array.isArray(kept) ? kept.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}

export function notePick(id: string) {
  const kept = [id, ...recentPicks().filter((other) => other !== id)].slice(0, MOST);
  localStorage.setItem(KEPT, JSON.stringify(kept));
}

/** The files of each folder that were opened or changed lately, last first. Kept from one start to the next. */

const KEPT = 'kerf.recentFiles';
const FILES = 20;
const FOLDERS = 12;

type Kept = [folder: string, paths: string[]][];

export class RecentFiles {
  #folders: Kept = $state.raw(read());

  of(folder: string): string[] {
    return this.#folders.find(([known]) => known === folder)?.[1] ?? [];
  }

  touch(folder: string, path: string) {
    const paths = [path, ...this.of(folder).filter((other) => other !== path)].slice(0, FILES);
    const others = this.#folders.filter(([known]) => known !== folder);
    this.#folders = [[folder, paths] as Kept[number], ...others].slice(0, FOLDERS);
    localStorage.setItem(KEPT, JSON.stringify(this.#folders));
  }
}

function read(): Kept {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isFolder) : [];
  } catch {
    // What cannot be read is forgotten.
    return [];
  }
}

function isFolder(entry: unknown): entry is Kept[number] {
  if (!Array.isArray(entry)) return false;
  const [folder, paths] = entry as unknown[];
  return (
    typeof folder === 'string' && Array.isArray(paths) && paths.every((path) => typeof path === 'string')
  );
}

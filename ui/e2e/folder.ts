/** Folders for tests: a git repository made of texts, and what can be asked of it afterwards. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export function temporary(name: string): string {
  return realpathSync(mkdtempSync(join(tmpdir(), `kerf-${name}-`)));
}

export class Repository {
  readonly path: string;

  constructor(path: string, files: Record<string, string>) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    this.git('init', '--quiet', '--initial-branch=main');
    this.git('config', 'user.name', 'Ada');
    this.git('config', 'user.email', 'ada@example.com');
    this.git('config', 'core.autocrlf', 'false');
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', 'Begin');
  }

  /** What git says. The user's own settings are left out. */
  git(...words: string[]): string {
    return execFileSync('git', words, {
      cwd: this.path,
      encoding: 'utf8',
      env: { ...process.env, GIT_CONFIG_GLOBAL: join(this.path, '.none'), GIT_CONFIG_NOSYSTEM: '1' },
    }).trimEnd();
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  write(name: string, text: string) {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

export function remove(path: string) {
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}

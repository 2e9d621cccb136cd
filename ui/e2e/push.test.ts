/** From a change to the remote: staged, described by the model, committed, and pushed to a server that wants a password. */

import { execFileSync, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { remove, temporary } from './folder';
import { expect, test } from './window';

const NAME = 'ada';
const PASSWORD = 'correct horse battery';

/** Git's own server for the repositories in a folder, behind a name and a password. */
async function serve(root: string): Promise<{ server: Server; url: string }> {
  const wanted = `Basic ${Buffer.from(`${NAME}:${PASSWORD}`).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== wanted) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="here"' }).end();
      request.resume();
      return;
    }
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const backend = spawn('git', ['http-backend'], {
      env: {
        ...process.env,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        REMOTE_USER: NAME,
        REQUEST_METHOD: request.method,
        PATH_INFO: path,
        QUERY_STRING: query,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    request.pipe(backend.stdin);
    const said: Buffer[] = [];
    backend.stdout.on('data', (piece: Buffer) => said.push(piece));
    backend.stdout.on('end', () => {
      const all = Buffer.concat(said);
      const end = all.indexOf('\r\n\r\n');
      const headers = new Headers();
      for (const line of all.subarray(0, end).toString().split('\r\n')) {
        const at = line.indexOf(': ');
        headers.set(line.slice(0, at), line.slice(at + 2));
      }
      const status = Number.parseInt(headers.get('status') ?? '200', 10);
      headers.delete('status');
      response.writeHead(status, Object.fromEntries(headers)).end(all.subarray(end + 4));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('a change is staged, described, committed and pushed with a password', async ({ open }) => {
  const kerf = await open({ files: { 'a.txt': 'one\n' } });
  const { page, repository, model } = kerf;
  const root = temporary('remote');
  const { server, url } = await serve(root);
  try {
    const bare = join(root, 'tool.git');
    const git = (...words: string[]) => execFileSync('git', words, { encoding: 'utf8' }).trim();
    git('init', '--quiet', '--bare', '--initial-branch=main', bare);
    git('-C', bare, 'config', 'http.receivepack', 'true');
    repository.git('remote', 'add', 'origin', `${url}/tool.git`);
    repository.write('a.txt', 'two\n');
    model.replies('Say two');

    await page.getByText('Uncommitted', { exact: true }).click();
    const changes = page.getByRole('region', { name: 'Uncommitted changes' });
    await changes.getByRole('button', { name: 'Stage a.txt' }).click();
    await changes.getByRole('button', { name: 'Draft', exact: true }).click();
    await expect.poll(() => changes.getByLabel('Commit message').inputValue()).toBe('Say two');
    await changes.getByRole('button', { name: /^Commit 1 file/ }).click();
    await changes.getByText('Nothing is staged.').waitFor();

    await changes.getByRole('button', { name: 'Push…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Push' });
    await dialog.getByText('refs/heads/main:refs/heads/main').waitFor();
    await dialog.getByText(`at ${url}/tool.git`).waitFor();
    await dialog.getByRole('button', { name: 'Run' }).click();
    await dialog.getByText(/^Username for/).waitFor();
    await dialog.getByLabel('Answer', { exact: true }).fill(NAME);
    await page.keyboard.press('Enter');
    await dialog.getByText(/^Password for/).waitFor();
    await dialog.getByLabel('Secret answer').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await dialog.getByText('Done.', { exact: true }).waitFor();
    expect(git('-C', bare, 'log', '-1', '--format=%an %s', 'main')).toBe('Ada Say two');
    expect(await page.content()).not.toContain(PASSWORD);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(repository.git('rev-parse', 'main@{upstream}')).toBe(repository.git('rev-parse', 'main'));
  } finally {
    server.close();
    server.closeAllConnections();
    remove(root);
  }
});

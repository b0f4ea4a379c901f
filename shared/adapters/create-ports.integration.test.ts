import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { unlessItHangs } from '../testing/patience.ts';
import { createPorts } from './create-ports.ts';
import { openMemoryJournal } from './journal/journal.ts';
import { createMemoryTokenCache } from './keychain/memory-token-cache.ts';
import { loadProfile } from './system/profile-file.ts';

it('closing the ports closes the connections that are kept for the next request', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'muster-ports-'));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Kept open as HTTP/1.1 does.
    socket.on('data', () => socket.write('HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const file = path.join(dir, 'profile.toml');
  writeFileSync(
    file,
    `name = "test"\n[identity]\nissuer = "http://127.0.0.1:${port}"\nclient_id = "1"\nproject_id = "2"\norg_id = "3"\n[agent]\n[agent.binaries]\nx86_64 = "agent"\n`,
  );
  const profile = await loadProfile(file, unlessItHangs());
  const ports = createPorts({
    profile,
    userDataDir: path.join(dir, 'data'),
    tokenCache: createMemoryTokenCache(),
    openJournal: () => openMemoryJournal(),
    openBrowser: async () => false,
  });
  const signingIn = ports.signIn.signIn(() => undefined, unlessItHangs());
  await expect(signingIn).rejects.toMatchObject({ name: 'EnrollmentError' });
  expect(sockets.size).toBe(1);
  const [socket] = sockets;
  const closed = new Promise((resolve) => socket?.once('close', resolve));
  await ports.close();
  await closed;
  await new Promise((resolve) => server.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

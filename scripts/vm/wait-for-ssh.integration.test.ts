import net, { type AddressInfo } from 'node:net';
import ssh2 from 'ssh2';
import { afterEach, expect, test } from 'vitest';
import { freshKeyPair, keyBlob } from './keys.ts';
import { commandOverSsh, NotReachable } from './wait-for-ssh.ts';

const hostKey = freshKeyPair('host');
const loginKey = freshKeyPair('login');
const servers: { close(): unknown }[] = [];
/** Connections of this test that have ended: the first is for the banner, the second for the login. */
let ended = 0;
afterEach(() => {
  ended = 0;
  for (const server of servers.splice(0)) server.close();
});

/** A real SSH server that lets one key in and answers with the command it was given. */
async function sshServer(port = 0): Promise<number> {
  const server = new ssh2.Server({ hostKeys: [hostKey.privateKey] }, (client) => {
    client.on('error', () => undefined);
    client.on('close', () => {
      ended += 1;
    });
    client.on('authentication', (context) => {
      const known = context.method === 'publickey' && context.key.data.equals(keyBlob(loginKey.publicKey));
      if (known) context.accept();
      else context.reject(['publickey']);
    });
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, info) => {
        const channel = acceptExec();
        channel.write(`ran ${info.command}`);
        channel.exit(0);
        channel.end();
      });
    });
  });
  servers.push(server);
  return await new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}

const login = (port: number) => ({
  ...{ host: '127.0.0.1', port, user: 'pi', privateKey: loginKey.privateKey },
  hostKey: keyBlob(hostKey.publicKey),
});
const patience = { limitMs: 50_000, signal: new AbortController().signal };
/** Gives up once so many connections have ended, however long they take. */
const after = (connections: number) => ({
  ...patience,
  now: () => (ended < connections ? 0 : patience.limitMs),
});

test('gives what the command prints', async () => {
  expect(await commandOverSsh(login(await sshServer()), 'uname', patience)).toBe('ran uname');
});

test('waits for a server that comes later', async () => {
  const port = await sshServer();
  servers.pop()?.close();
  const answer = commandOverSsh(login(port), 'uname', patience);
  setTimeout(() => void sshServer(port), 300);
  expect(await answer).toBe('ran uname');
});

test('does not log in where another host key is shown', async () => {
  const wrong = { ...login(await sshServer()), hostKey: keyBlob(freshKeyPair('x').publicKey) };
  await expect(commandOverSsh(wrong, 'uname', after(2))).rejects.toThrow(/another host key/);
});

test('says that the login was refused', async () => {
  const stranger = { ...login(await sshServer()), privateKey: freshKeyPair('x').privateKey };
  const answer = commandOverSsh(stranger, 'uname', after(2));
  await expect(answer).rejects.toThrow(NotReachable);
  await expect(answer).rejects.toThrow(/authentication/i);
});

test('gives up on a port that takes connections and stays silent', async () => {
  const silent = net.createServer((socket) => {
    socket.resume().on('close', () => {
      ended += 1;
    });
  });
  servers.push(silent);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  await expect(commandOverSsh(login(port), 'uname', after(1))).rejects.toThrow(/did not answer/);
});

test('ends at once when it is stopped', async () => {
  const stop = new AbortController();
  const answer = commandOverSsh(login(1), 'uname', { limitMs: 60_000, signal: stop.signal });
  setTimeout(() => stop.abort(), 100);
  await expect(answer).rejects.toThrow(/abort/i);
});

import type { AddressInfo } from 'node:net';
import { createServer, type Socket, type Server as TcpServer } from 'node:net';
import type { Connection } from 'ssh2';
import { afterEach, describe, expect, it } from 'vitest';
import { defineCommand } from '../../device/device-command.ts';
import type { AgentBinary, DeviceSession } from '../../engine/ports.ts';
import { Secret } from '../../model/secret.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '../../testing/patience.ts';
import type { SshLimits } from './limits.ts';
import { type HostileServerOptions, startHostileServer } from './testing/hostile-server.ts';
import { MemoryPins } from './testing/pins.ts';
import { field, messages, sendRaw, withoutEnd } from './testing/raw-packets.ts';
import { testConnector } from './testing/test-connector.ts';

const limits: Partial<SshLimits> = { sessionBytes: 2_000_000, unreadBytes: 4_000_000 };
/** For a device that leaves the station waiting; no other meets it, however busy this computer is. */
const SHORT_MS = 1_000;
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const connectors = {
  patient: testConnector({}, { limits }),
  short: testConnector({}, { limits: { ...limits, connectMs: SHORT_MS } }),
};
const connect = (port: number, connector = connectors.patient): Promise<DeviceSession> =>
  connector.connect(
    { kind: 'ssh', user: 'pi', host: '127.0.0.1', port },
    {
      credential: { user: 'pi', password: new Secret('bench-password') },
      hostKeys: new MemoryPins(),
      signal: unlessItHangs(),
    },
  );

/** A TCP server that does this with every connection. */
async function raw(behave: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: TcpServer = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function hostile(options: HostileServerOptions): Promise<number> {
  const server = await startHostileServer(options);
  cleanUp.push(() => server.stop());
  return server.port;
}

/** Writes the same again and again, at the pace the station takes it. */
function endlessly(socket: Socket, bytes: Uint8Array | string): void {
  const talk = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', talk);
  talk();
}

const version = 'SSH-2.0-OpenSSH_9.2p1\r\n';
const misbehaves = (problem: RegExp) => ({
  code: 'DEVICE_SSH_MISBEHAVES',
  details: { problem: expect.stringMatching(problem) },
});

describe('before the version line', () => {
  it.each([
    ['garbage without an end', 'x'.repeat(4096), /16384 bytes came and no version line/],
    ['lines without an end', 'hello\r\n', /16384 bytes came and no version line/],
    ['bytes that are no text', Buffer.alloc(4096, 0), /16384 bytes came and no version line/],
  ])('%s', async (_name, bytes, problem) => {
    const port = await raw((socket) => endlessly(socket, bytes));
    await expect(connect(port)).rejects.toMatchObject(misbehaves(problem));
  });

  it('one byte now and then', async () => {
    const port = await raw((socket) => {
      const timer = setInterval(() => socket.write('.'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    // Were it waited for as long as it says something, it would be garbage at last.
    await expect(connect(port, connectors.short)).rejects.toMatchObject({ code: 'DEVICE_UNREACHABLE' });
  });

  it('another protocol, and an old one', async () => {
    const web = await raw((socket) => socket.end('HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n'));
    await expect(connect(web)).rejects.toMatchObject({
      code: 'DEVICE_CONNECTION_LOST',
      evidence: expect.stringContaining('HTTP/1.1 400'),
    });
    const old = await raw((socket) => socket.write('SSH-1.5-old\r\n'));
    await expect(connect(old)).rejects.toMatchObject({ code: 'DEVICE_SSH_MISBEHAVES' });
  });

  it('escapes for the terminal, which come out as text', async () => {
    const port = await raw((socket) => socket.end('\u001b[2J\u001b]0;owned\u0007\r\n'));
    const error = await connect(port).catch((thrown: { evidence: string }) => thrown);
    expect((error as { evidence: string }).evidence).not.toContain('\u001b');
    expect((error as { evidence: string }).evidence).toContain('owned');
  });

  it('a door that is closed since logins failed', async () => {
    const port = await raw((socket) => socket.end('Not allowed at this time\r\n'));
    await expect(connect(port)).rejects.toMatchObject({ code: 'DEVICE_LOGIN_BLOCKED' });
  });

  it('a door that slams shut right after a login failed there', async () => {
    let calls = 0;
    const server = await startHostileServer({ onLogin: (attempt) => attempt.reject(['password']) });
    cleanUp.push(() => server.stop());
    const { connect: dial } = await import('node:net');
    const port = await raw((socket) => {
      calls += 1;
      if (calls > 1) return void socket.resetAndDestroy();
      const onward = dial(server.port, '127.0.0.1');
      onward.on('error', () => undefined);
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    });
    await expect(connect(port)).rejects.toMatchObject({ code: 'DEVICE_LOGIN_REFUSED' });
    await expect(connect(port)).rejects.toMatchObject({ code: 'DEVICE_LOGIN_BLOCKED' });
    const other = await raw((socket) => void socket.resetAndDestroy());
    await expect(connect(other)).rejects.toMatchObject({ code: 'DEVICE_CONNECTION_LOST' });
  });
});

describe('in the key exchange', () => {
  it.each([
    ['garbage', Buffer.alloc(64, 7), /./],
    ['a packet of two gigabytes', Buffer.from([0x7f, 0xff, 0xff, 0xff, 4, 20, 0, 0]), /./],
    ['a packet of no length', Buffer.alloc(16), /./],
  ])('%s', async (_name, bytes, problem) => {
    const port = await raw((socket) => {
      socket.write(version);
      socket.write(bytes);
    });
    await expect(connect(port)).rejects.toMatchObject(misbehaves(problem));
  });

  it('ignored messages without an end', async () => {
    // Length 12, padding 4, SSH_MSG_IGNORE with a string of two bytes.
    const ignore = Buffer.from([0, 0, 0, 12, 4, 2, 0, 0, 0, 2, 65, 65, 0, 0, 0, 0]);
    const port = await raw((socket) => {
      socket.write(version);
      endlessly(socket, Buffer.concat(Array.from({ length: 200 }, () => ignore)));
    });
    await expect(connect(port)).rejects.toMatchObject({ code: 'DEVICE_SSH_MISBEHAVES' });
  });

  it('silence', async () => {
    const port = await raw((socket) => socket.write(version));
    await expect(connect(port, connectors.short)).rejects.toMatchObject({ code: 'DEVICE_UNREACHABLE' });
  });
});

describe('in the login', () => {
  const during = (behave: (connection: Connection) => void): HostileServerOptions => ({
    onLogin: () => undefined,
    onConnection: (connection) => {
      connection.once('authentication', () => behave(connection));
    },
  });

  it('messages for the operator without an end', async () => {
    const payload = Buffer.concat([field('hello\r\n'), field('')]);
    const port = await hostile(
      during((connection) => withoutEnd(connection, () => sendRaw(connection, messages.banner, payload))),
    );
    await expect(connect(port)).rejects.toMatchObject(misbehaves(/16 messages before the login/));
  });

  it('messages as large as they may be', async () => {
    const payload = Buffer.concat([field('\u001b[2J'.repeat(8000)), field('')]);
    const port = await hostile(
      during((connection) => withoutEnd(connection, () => sendRaw(connection, messages.banner, payload))),
    );
    await expect(connect(port)).rejects.toMatchObject(misbehaves(/messages before|262144 bytes/));
  });

  it('ignored messages without an end', async () => {
    const payload = field('x'.repeat(1000));
    const port = await hostile(
      during((connection) => withoutEnd(connection, () => sendRaw(connection, messages.ignore, payload))),
    );
    await expect(connect(port)).rejects.toMatchObject(misbehaves(/262144 bytes came before the login/));
  });

  it('questions without an end', async () => {
    const answers: string[][] = [];
    const port = await hostile({
      onLogin: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        const ask = () =>
          attempt.prompt([{ prompt: 'Password: ', echo: false }], (given) => {
            answers.push([...given]);
            ask();
          });
        return ask();
      },
    });
    await expect(connect(port)).rejects.toMatchObject(misbehaves(/asks more than 8 times/));
    expect(answers.flat()).toEqual(['bench-password']);
  });

  it('thousands of questions at once', async () => {
    const given: string[][] = [];
    const port = await hostile({
      onLogin: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        const prompts = Array.from({ length: 1500 }, () => ({ prompt: 'Password: ', echo: false }));
        return attempt.prompt(prompts, (answers) => {
          given.push([...answers]);
          attempt.reject();
        });
      },
    });
    await expect(connect(port)).rejects.toMatchObject({ code: 'DEVICE_LOGIN_UNSUITABLE' });
    expect(given).toEqual([[]]);
  });

  it('a jump host that asks for a password: it is the devices’ and not for it', async () => {
    const server = await startHostileServer({
      onLogin: (attempt) => attempt.reject(['password', 'keyboard-interactive']),
    });
    cleanUp.push(() => server.stop());
    const through = testConnector({ jump: [`jump@127.0.0.1:${server.port}`] }, { limits }).connect(
      { kind: 'ssh', user: 'pi', host: '127.0.0.1', port: 22 },
      {
        credential: { user: 'pi', password: new Secret('bench-password') },
        hostKeys: new MemoryPins(),
        signal: unlessItHangs(),
      },
    );
    await expect(through).rejects.toMatchObject({ code: 'DEVICE_JUMP_REFUSED', details: { user: 'jump' } });
    expect(server.attempts).toEqual([{ method: 'none', secret: undefined }]);
  });

  it('no answer at all', async () => {
    const port = await hostile({ onLogin: () => undefined });
    await expect(connect(port, connectors.short)).rejects.toMatchObject({ code: 'DEVICE_UNREACHABLE' });
  });
});

describe('after the login', () => {
  const command = defineCommand('Look', 'true', { asRoot: false });
  const run = (session: DeviceSession, limitMs = HANGS_AFTER_MS) =>
    session.run(command, { elevation: { kind: 'none' }, signal: unlessItHangs(), limitMs });
  const open = async (options: HostileServerOptions): Promise<DeviceSession> => {
    const session = await connect(await hostile(options));
    cleanUp.push(() => session.close());
    return session;
  };

  it('a channel that never closes, and one that never opens', async () => {
    const never = await open({ onCommand: () => undefined });
    await expect(run(never, SHORT_MS)).rejects.toMatchObject({ code: 'DEVICE_TIMEOUT' });
    const closed = await open({ onSession: () => undefined });
    await expect(run(closed, SHORT_MS)).rejects.toMatchObject({ code: 'DEVICE_TIMEOUT' });
  });

  it.each([
    ['ignored messages', messages.ignore, field('x'.repeat(1000))],
    [
      'requests that want an answer',
      messages.globalRequest,
      Buffer.concat([field('x'.repeat(1000)), Buffer.from([1])]),
    ],
    ['messages for no channel', 94, Buffer.concat([Buffer.from([0, 0, 9, 9]), field('x'.repeat(1000))])],
  ])('%s without an end', async (_name, message, payload) => {
    const session = await open({
      onCommand: (_channel, _text, connection) =>
        withoutEnd(connection, () => sendRaw(connection, message, payload)),
    });
    await expect(run(session)).rejects.toMatchObject({
      code: 'DEVICE_CONNECTION_LOST',
      evidence: expect.stringMatching(/2000000 bytes|does not read/),
    });
  });

  it.each([0, 1, 100])(
    'packets of %i bytes, which would never carry an upload to its end',
    async (packetSize) => {
      const session = await open({
        onConnection: (connection) => {
          const { _protocol: protocol } = connection as unknown as {
            _protocol: {
              channelOpenConfirm(remote: number, local: number, window: number, size: number): void;
            };
          };
          const confirm = protocol.channelOpenConfirm.bind(protocol);
          protocol.channelOpenConfirm = (remote, local, window) => confirm(remote, local, window, packetSize);
        },
        onCommand: () => undefined,
      });
      await expect(run(session)).rejects.toMatchObject({
        code: 'DEVICE_CONNECTION_LOST',
        evidence: expect.stringContaining(`packets of ${packetSize} bytes`),
      });
    },
  );

  it('a window of gigabytes in front of nobody who reads: what waits stays small', async () => {
    let socket: Socket | undefined;
    const session = await open({
      onConnection: (connection) => {
        const inside = connection as unknown as {
          _sock: Socket;
          _protocol: {
            channelOpenConfirm(remote: number, local: number, window: number, size: number): void;
          };
        };
        socket = inside._sock;
        const confirm = inside._protocol.channelOpenConfirm.bind(inside._protocol);
        inside._protocol.channelOpenConfirm = (remote, local, _window, size) =>
          confirm(remote, local, 0xffff_ffff, size);
      },
      onCommand: () => socket?.pause(),
    });
    let taken = 0;
    const endless: AgentBinary = {
      ...{ path: 'agent', sizeBytes: Number.MAX_SAFE_INTEGER, sha256: '', architecture: 'x86_64' },
      chunks: async function* () {
        const { randomBytes } = await import('node:crypto');
        const chunk = randomBytes(256 * 1024);
        for (;;) {
          taken += chunk.length;
          yield chunk;
        }
      },
    };
    const upload = session.upload(command, endless, {
      elevation: { kind: 'none' },
      signal: unlessItHangs(),
      limitMs: SHORT_MS,
    });
    await expect(upload).rejects.toMatchObject({ code: 'DEVICE_TIMEOUT' });
    // The kernel's buffers of both ends, the station's own megabyte, and what is being compressed.
    expect(taken).toBeLessThan(12 * 1024 * 1024);
  });

  it('leaves other devices alone', async () => {
    const loud = await open({
      onCommand: (_channel, _text, connection) =>
        withoutEnd(connection, () => sendRaw(connection, messages.ignore, field('x'.repeat(1000)))),
    });
    const quiet = await open({
      onCommand: (channel) => {
        channel.write('fine\n');
        channel.exit(0);
        channel.end();
      },
    });
    const lost = run(loud).catch((thrown: { code: string }) => thrown.code);
    expect((await run(quiet)).stdout).toBe('fine\n');
    expect(await lost).toBe('DEVICE_CONNECTION_LOST');
    expect((await run(quiet)).stdout).toBe('fine\n');
  });
});

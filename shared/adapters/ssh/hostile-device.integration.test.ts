import {
  type AddressInfo,
  createServer,
  connect as dial,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { defineCommand } from '../../device/device-command.ts';
import type { Clock, DeviceCredential } from '../../engine/ports.ts';
import { Secret } from '../../model/secret.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '../../testing/patience.ts';
import { systemClock } from '../system/clock.ts';
import type { SshLimits } from './limits.ts';
import {
  type HostileServer,
  type HostileServerOptions,
  startHostileServer,
} from './testing/hostile-server.ts';
import { pinsOf } from './testing/pins.ts';
import { testConnector } from './testing/test-connector.ts';

const limits: Partial<SshLimits> = {
  lineLength: 1024,
  stdoutBytes: 100_000,
  stderrBytes: 10_000,
};
const withPassword: DeviceCredential = { user: 'pi', password: new Secret('bench-password') };
const command = defineCommand('Look at the device', 'true', { asRoot: false });
const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function device(options: HostileServerOptions): Promise<HostileServer> {
  const server = await startHostileServer(options);
  cleanUp.push(() => server.stop());
  return server;
}

function connect(
  port: number,
  options: {
    expected?: string;
    credential?: DeviceCredential;
    signal?: AbortSignal;
    /** Only for a device that says nothing. */
    connectMs?: number;
  } = {},
) {
  const { connectMs } = options;
  return testConnector({}, { limits: { ...limits, ...(connectMs && { connectMs }) } }).connect(
    { kind: 'ssh', user: 'pi', host: '127.0.0.1', port },
    {
      credential: options.credential ?? withPassword,
      hostKeys: pinsOf(options.expected),
      signal: options.signal ?? unlessItHangs(),
    },
  );
}

async function runOn(server: HostileServer, onLine?: (stream: 'stdout' | 'stderr', line: string) => void) {
  const session = await connect(server.port);
  cleanUp.push(() => session.close());
  return session.run(command, {
    elevation: { kind: 'none' },
    signal: unlessItHangs(),
    limitMs: HANGS_AFTER_MS,
    ...(onLine === undefined ? {} : { onLine }),
  });
}

async function listenTcp(server: TcpServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

describe('logging in', () => {
  it('stops before any login when the host key is another one', async () => {
    const server = await device({});
    const expected = 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    await expect(connect(server.port, { expected })).rejects.toMatchObject({
      code: 'DEVICE_HOST_KEY_CHANGED',
      details: { expected, actual: server.fingerprint },
    });
    expect(server.attempts).toEqual([]);
  });

  it('translates what the library throws before it dials, and leaves nothing waiting', async () => {
    const timers = new Set<object>();
    const clock: Clock = {
      ...systemClock,
      after: (ms, callback) => {
        const timer = {};
        timers.add(timer);
        const cancel = systemClock.after(ms, callback);
        return () => {
          timers.delete(timer);
          cancel();
        };
      },
    };
    const connecting = testConnector({}, { clock, limits }).connect(
      { kind: 'ssh', user: 'pi', host: '127.0.0.1', port: 70_000 },
      { credential: withPassword, hostKeys: pinsOf(undefined), signal: unlessItHangs() },
    );
    await expect(connecting).rejects.toMatchObject({
      name: 'EnrollmentError',
      evidence: expect.stringContaining('70000'),
    });
    expect(timers.size).toBe(0);
  });

  it('offers a password once, and only where passwords are taken', async () => {
    const server = await device({
      onLogin: (attempt) => attempt.reject(['password', 'keyboard-interactive']),
    });
    await expect(connect(server.port)).rejects.toMatchObject({
      code: 'DEVICE_LOGIN_REFUSED',
      details: { user: 'pi' },
      evidence: expect.stringContaining('Tried: password.'),
    });
    expect(server.attempts).toEqual([
      { method: 'none', secret: undefined },
      { method: 'password', secret: 'bench-password' },
    ]);

    const keysOnly = await device({ onLogin: (attempt) => attempt.reject(['publickey']) });
    await expect(connect(keysOnly.port)).rejects.toMatchObject({ code: 'DEVICE_KEY_NEEDED' });
    expect(keysOnly.attempts.map(({ method }) => method)).toEqual(['none']);
  });

  it('answers one hidden password prompt and no other', async () => {
    const answers: string[][] = [];
    const server = await device({
      onLogin: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        return attempt.prompt([{ prompt: 'Password: ', echo: false }], (first) => {
          answers.push(first);
          attempt.prompt([{ prompt: 'Password: ', echo: false }], (second) => {
            answers.push(second);
            attempt.reject();
          });
        });
      },
    });
    await expect(connect(server.port)).rejects.toMatchObject({ code: 'DEVICE_LOGIN_REFUSED' });
    expect(answers).toEqual([['bench-password'], []]);

    const others: string[][] = [];
    const asksOther = await device({
      onLogin: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        return attempt.prompt([{ prompt: 'Verification code: ', echo: false }], (given) => {
          others.push(given);
          attempt.reject();
        });
      },
    });
    await expect(connect(asksOther.port)).rejects.toMatchObject({
      code: 'DEVICE_LOGIN_UNSUITABLE',
      evidence: expect.stringContaining('It asked: Verification code:'),
    });
    expect(others).toEqual([[]]);
  });

  it('logs in by the interactive form', async () => {
    const server = await device({
      onLogin: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        return attempt.prompt([{ prompt: 'Password: ', echo: false }], (given) =>
          given[0] === 'bench-password' ? attempt.accept() : attempt.reject(),
        );
      },
    });
    const session = await connect(server.port);
    expect(session.loginUser).toBe('pi');
    session.close();
  });

  it('tells nobody there from somebody who hangs up', async () => {
    const server = createServer();
    const port = await listenTcp(server);
    await (cleanUp.pop()?.() as Promise<void>);
    await expect(connect(port)).rejects.toMatchObject({ code: 'DEVICE_UNREACHABLE' });
    const hangsUp = await listenTcp(createServer((socket) => socket.end('Exceeded MaxStartups\r\n')));
    await expect(connect(hangsUp)).rejects.toMatchObject({ code: 'DEVICE_CONNECTION_LOST' });
  });

  it('gives up on a name that does not resolve', async () => {
    const connecting = testConnector({}, { limits }).connect(
      { kind: 'ssh', user: 'pi', host: 'no-such-device.invalid', port: 22 },
      { credential: withPassword, hostKeys: pinsOf(undefined), signal: unlessItHangs() },
    );
    await expect(connecting).rejects.toMatchObject({ code: 'DEVICE_UNREACHABLE' });
  });

  it('gives up on a device that says nothing, and on one that never stops', async () => {
    const silent = await listenTcp(createServer());
    await expect(connect(silent, { connectMs: 500 })).rejects.toMatchObject({ code: 'DEVICE_UNREACHABLE' });
    const chatty = createServer((socket) => {
      const talk = () => {
        while (!socket.destroyed && socket.write('x'.repeat(16_384)));
      };
      socket.on('drain', talk);
      talk();
    });
    await expect(connect(await listenTcp(chatty))).rejects.toMatchObject({
      code: expect.stringMatching(/^DEVICE_/),
    });
  });

  it('says of an address where nobody answers how long it was called', async () => {
    // Time is over before the system could connect: as with an address that swallows every packet.
    const connectMs = 3000;
    const clock: Clock = {
      ...systemClock,
      after: (ms, callback) => {
        if (ms !== connectMs) return systemClock.after(ms, callback);
        queueMicrotask(callback);
        return () => undefined;
      },
    };
    const silent = await listenTcp(createServer());
    const connecting = testConnector({}, { clock, limits: { ...limits, connectMs } }).connect(
      { kind: 'ssh', user: 'pi', host: '127.0.0.1', port: silent },
      { credential: withPassword, hostKeys: pinsOf(undefined), signal: unlessItHangs() },
    );
    await expect(connecting).rejects.toMatchObject({
      code: 'DEVICE_UNREACHABLE',
      evidence: 'No connection after 3 s.',
    });
  });

  it('stops dialling when aborted', async () => {
    const silent = await listenTcp(createServer());
    const stop = new AbortController();
    const reason = new Error('stopped');
    const connecting = connect(silent, { signal: stop.signal });
    stop.abort(reason);
    await expect(connecting).rejects.toBe(reason);
  });
});

describe('a device that is busy', () => {
  it('is called again after it hung up before the handshake, a few times', async () => {
    const server = await device({});
    let calls = 0;
    const busy = await listenTcp(
      createServer((socket) => {
        calls += 1;
        if (calls <= 2) socket.end('Exceeded MaxStartups\r\n');
        else {
          const onward = dial(server.port, '127.0.0.1');
          onward.on('error', () => undefined);
          socket.on('close', () => onward.destroy());
          socket.pipe(onward).pipe(socket);
        }
      }),
    );
    const session = await connect(busy);
    expect(calls).toBe(3);
    session.close();
  });
});

describe('running a command', () => {
  it('sends nothing but the framed shell as the command', async () => {
    const commands: string[] = [];
    const server = await device({
      onCommand: (channel, text) => {
        commands.push(text);
        channel.exit(0);
        channel.end();
      },
    });
    await runOn(server);
    expect(commands).toEqual([`exec /bin/sh -c 'eval "$(head -c 4)"'`]);
  });

  it('joins characters and lines that were split between packets', async () => {
    const bytes = Buffer.from('first ä😀\nsecond\nlast without newline', 'utf8');
    const server = await device({
      onCommand: (channel) => {
        for (const byte of bytes) channel.write(Buffer.from([byte]));
        channel.exit(0);
        channel.end();
      },
    });
    const lines: string[] = [];
    const { stdout } = await runOn(server, (_stream, line) => lines.push(line));
    expect(stdout).toBe(bytes.toString('utf8'));
    expect(lines).toEqual(['first ä😀', 'second', 'last without newline']);
  });

  const endless = (text: string, which: 'stdout' | 'stderr'): HostileServerOptions => ({
    onCommand: (channel) => {
      const stream = which === 'stdout' ? channel : channel.stderr;
      const talk = () => {
        for (let count = 0; count < 200 && !channel.destroyed; count += 1) if (!stream.write(text)) break;
        if (!channel.destroyed) setImmediate(talk);
      };
      channel.on('close', () => channel.destroy());
      talk();
    },
  });

  it.each([
    ['endless lines', 'a line\n'.repeat(100), 'stdout', 'stdout is longer'],
    ['an endless line', 'x'.repeat(1000), 'stdout', 'a line of stdout is longer'],
    ['endless errors', 'an error\n'.repeat(100), 'stderr', 'stderr is longer'],
  ] as const)('ends a device that sends %s', async (_name, text, stream, problem) => {
    const server = await device(endless(text, stream));
    await expect(runOn(server)).rejects.toMatchObject({
      code: 'DEVICE_FACTS_UNREADABLE',
      details: { problem: expect.stringContaining(problem) },
    });
  });

  it('reports a connection that drops in the middle, for this and later commands', async () => {
    const server = await device({
      onCommand: (channel, _text, connection) => {
        channel.write('begun\n');
        setImmediate(() => connection.end());
      },
    });
    const session = await connect(server.port);
    const options = {
      elevation: { kind: 'none' },
      signal: unlessItHangs(),
      limitMs: HANGS_AFTER_MS,
    } as const;
    await expect(session.run(command, options)).rejects.toMatchObject({ code: 'DEVICE_CONNECTION_LOST' });
    await expect(session.run(command, options)).rejects.toMatchObject({ code: 'DEVICE_CONNECTION_LOST' });
  });

  it('does not take a command without exit status for a success', async () => {
    const server = await device({ onCommand: (channel) => channel.close() });
    await expect(runOn(server)).rejects.toMatchObject({ code: 'DEVICE_CONNECTION_LOST' });
  });
});

import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { defineCommand, type ElevationMethod } from '../../device/device-command.ts';
import { receiveParts } from '../../device/receive.ts';
import type { AgentBinary, Clock, DeviceSession } from '../../engine/ports.ts';
import { Secret } from '../../model/secret.ts';
import { HANGS_AFTER_MS, patience, unlessItHangs } from '../../testing/patience.ts';
import { silentLogger } from '../log/logger.ts';
import { systemClock } from '../system/clock.ts';
import { createLocalConnector } from './connector.ts';
import { localEnvironment } from './local-environment.ts';

const isLinux = process.platform === 'linux';
if (!isLinux) console.warn('SKIPPED: commands on this computer: it is no Linux.');

const none: ElevationMethod = { kind: 'none' };
const withPassword: ElevationMethod = { kind: 'sudo-password', password: new Secret('correct horse') };

/** As the real one with -S: its prompt, one line, then the command, of which it waits for the end. */
const FAKE_SUDO = `#!/bin/sh
while [ "\${1#-}" != "$1" ]; do [ "$1" = -p ] && { prompt=$2; shift; }; [ "$1" = -n ] && never=yes; shift; done
[ "$never" ] && { echo 'sudo: a password is required' >&2; exit 1; }
printf %s "$prompt" >&2
IFS= read -r line
[ "$line" = 'correct horse' ] || { echo 'sudo: 1 incorrect password attempt' >&2; exit 1; }
ELEVATED=yes "$@"
exit $?
`;

describe.skipIf(!isLinux)('on this computer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-local-test-'));
  writeFileSync(join(folder, 'sudo'), FAKE_SUDO, { mode: 0o755 });
  const fixed = localEnvironment({ SECRET_OF_THE_SESSION: 'canary', PATH: '/elsewhere' });
  const open: DeviceSession[] = [];

  function connect(more: Readonly<Record<string, string>> = {}, clock = systemClock): DeviceSession {
    const environment = { ...fixed, PATH: `${folder}:${fixed.PATH}`, ...more };
    const connector = createLocalConnector({ clock, logger: silentLogger, environment });
    const session = connector.open(unlessItHangs());
    open.push(session);
    return session;
  }
  const run = (
    script: string,
    more: {
      payload?: Secret;
      elevation?: ElevationMethod;
      onLine?: (stream: string, line: string) => void;
    } = {},
    session = connect(),
  ) =>
    session.run(defineCommand('Test', script, { asRoot: true }), {
      elevation: none,
      signal: unlessItHangs(),
      limitMs: HANGS_AFTER_MS,
      ...more,
    });
  /** Whether the process that wrote its number into this file still runs. One that only waits to be reaped does not. */
  function runs(name: string): boolean {
    const pid = readFileSync(join(folder, name), 'utf8').trim();
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  }

  afterEach(() => {
    for (const session of open.splice(0)) session.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('gives output, exit status and a signal death as a device does', async () => {
    expect(await run('echo out; echo err >&2; exit 7')).toEqual({
      exitStatus: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await run('kill -KILL $$')).exitStatus).toBe(137);
  });

  it('is the account the program runs as, and has no host key', () => {
    const session = connect();
    expect(session.loginUser).toBe(userInfo().username);
    expect(session.hostKeyFingerprint).toBeUndefined();
  });

  it('hands on a fixed environment and nothing of the session', async () => {
    const { stdout } = await run('env');
    expect(stdout).not.toContain('canary');
    expect(stdout).toContain(`PATH=${folder}:/usr/local/sbin`);
    const known = ['HOME', 'LANG', 'LOGNAME', 'OLDPWD', 'PATH', 'PWD', 'SHELL', 'SHLVL', 'USER', '_'];
    for (const line of stdout.trim().split('\n')) expect(known).toContain(line.split('=')[0]);
  });

  it('hands on a root to work in, and what its stand-ins need', () => {
    const given = { MUSTER_DEVICE_ROOT: '/r', MUSTER_X: 'x', PATH: '/stand-ins', OTHER: 'o' };
    expect(localEnvironment(given)).toEqual({
      ...fixed,
      MUSTER_DEVICE_ROOT: '/r',
      MUSTER_X: 'x',
      PATH: '/stand-ins',
    });
    expect(localEnvironment({ MUSTER_DEVICE_ROOT: '', PATH: '/stand-ins' })).toEqual(fixed);
  });

  it('hands script and payload to the shell by its standard input only', async () => {
    const payload = `canary-payload\n${'x'.repeat(200_000)}`;
    const { stdout } = await run(
      'tr "\\0" " " < /proc/$$/cmdline; echo; tr "\\0" " " < /proc/$$/environ; echo; sha256sum # canary-script',
      { payload: new Secret(payload) },
    );
    expect(stdout).toContain(createHash('sha256').update(payload).digest('hex'));
    expect(stdout).not.toContain('canary');
    expect(stdout).toMatch(/^\/bin\/sh -c eval "\$\(head -c \d+\)" $/m);
  });

  it('becomes root with a password that only standard input sees', async () => {
    const script = 'echo "$ELEVATED"; cat; tr "\\0" " " < /proc/$PPID/cmdline /proc/$PPID/environ';
    const result = await run(script, { elevation: withPassword, payload: new Secret('key\n') });
    expect(result.stdout).toMatch(/^yes\nkey\n/);
    expect(result.stdout).not.toContain('correct horse');
  });

  it('tells a missing from a wrong sudo password, and an account without sudo', async () => {
    await expect(run('echo no', { elevation: { kind: 'sudo' } })).rejects.toMatchObject({
      code: 'DEVICE_SUDO_PASSWORD_NEEDED',
      details: { address: 'this computer', user: userInfo().username },
    });
    const wrong: ElevationMethod = { kind: 'sudo-password', password: new Secret('wrong-canary') };
    await expect(run('echo no', { elevation: wrong })).rejects.toMatchObject({
      code: 'DEVICE_SUDO_REFUSED',
    });
    const noSudo = join(folder, 'no-sudo');
    mkdirSync(noSudo);
    symlinkSync('/usr/bin/env', join(noSudo, 'env'));
    const elsewhere = connect({ PATH: noSudo });
    await expect(run('echo no', { elevation: { kind: 'sudo' } }, elsewhere)).rejects.toMatchObject({
      code: 'DEVICE_SUDO_REFUSED',
    });
    await expect(
      run('echo no', { elevation: { kind: 'sudo' } }, connect({ PATH: folder })),
    ).rejects.toMatchObject({ code: 'DEVICE_CONNECTION_LOST', evidence: expect.stringContaining('ENOENT') });
  });

  it('takes an upload whole, with progress', async () => {
    const chunk = Buffer.alloc(256 * 1024, 'agent binary ');
    const file: AgentBinary = {
      ...{ path: 'agent', sizeBytes: 20 * chunk.length, architecture: 'x86_64' },
      sha256: '',
      chunks: async function* () {
        for (let count = 0; count < 20; count += 1) yield chunk;
      },
    };
    const hash = createHash('sha256');
    for (let count = 0; count < 20; count += 1) hash.update(chunk);
    const progress: number[] = [];
    const result = await connect().upload(
      defineCommand('Upload', `t=$(mktemp)\ntrap 'rm -f "$t"' EXIT\n${receiveParts()}\nsha256sum < "$t"`, {
        asRoot: true,
      }),
      file,
      {
        ...{ elevation: withPassword, signal: unlessItHangs(), limitMs: HANGS_AFTER_MS },
        onProgress: (bytes) => progress.push(bytes),
      },
    );
    expect(result.stdout).toContain(hash.digest('hex'));
    expect(progress.at(-1)).toBe(file.sizeBytes);
  });

  it('an upload whose script stops reading ends with the exit status', async () => {
    const endless: AgentBinary = {
      ...{ path: 'agent', sizeBytes: Number.MAX_SAFE_INTEGER, sha256: '', architecture: 'x86_64' },
      chunks: async function* () {
        for (;;) yield createHash('sha256').update(String(Math.random())).digest();
      },
    };
    const command = defineCommand('Upload', 'head -c 100000 > /dev/null; exit 3', { asRoot: true });
    const options = { elevation: none, signal: unlessItHangs(), limitMs: HANGS_AFTER_MS };
    expect((await connect().upload(command, endless, options)).exitStatus).toBe(3);
  });

  it('ends what runs, with all it has started, when it is aborted; scripts clear up first', async () => {
    const stop = new AbortController();
    const reason = new Error('stopped by the operator');
    const file = join(folder, 'half-written');
    const script = `: > '${file}'; trap "rm -f '${file}'; exit 1" TERM
sh -c 'echo $$ > ${folder}/child; exec sleep 600' &
echo $$ > ${folder}/parent; while [ ! -s ${folder}/child ]; do sleep 0.02; done; echo begun; wait`;
    const session = connect();
    const running = session.run(defineCommand('Sleep', script, { asRoot: true }), {
      ...{ elevation: none, signal: stop.signal, limitMs: HANGS_AFTER_MS },
      onLine: (_stream, line) => line === 'begun' && stop.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
    await expect.poll(() => runs('child'), patience).toBe(false);
    await expect.poll(() => runs('parent'), patience).toBe(false);
    expect(existsSync(file)).toBe(false);
    await expect(run('true', {}, session)).rejects.toMatchObject({ code: 'DEVICE_CONNECTION_LOST' });
  });

  it('ends at its limit even what does not want to', async () => {
    // The limit comes once the script does not want to: how long it takes to begin is the computer's affair.
    let comes: () => void = () => undefined;
    const clock: Clock = {
      ...systemClock,
      after: (ms, callback) => {
        if (ms !== HANGS_AFTER_MS) return systemClock.after(ms, callback);
        comes = callback;
        return () => undefined;
      },
    };
    const script = `trap '' TERM HUP; echo $$ > ${folder}/stubborn; echo begun; while :; do sleep 1; done`;
    const onLine = (_stream: string, line: string) => line === 'begun' && comes();
    await expect(run(script, { onLine }, connect({}, clock))).rejects.toMatchObject({
      code: 'DEVICE_TIMEOUT',
      details: { step: 'Test' },
    });
    await expect.poll(() => runs('stubborn'), patience).toBe(false);
  });

  it('ends what belongs to root by the way it became root', async () => {
    const stop = new AbortController();
    const script = `echo $$ > ${folder}/elevated; echo "$ELEVATED"; exec sleep 600`;
    const running = connect().run(defineCommand('Sleep', script, { asRoot: true }), {
      ...{ elevation: withPassword, signal: stop.signal, limitMs: HANGS_AFTER_MS },
      onLine: (_stream, line) => line === 'yes' && stop.abort(new Error('stopped')),
    });
    await expect(running).rejects.toThrow('stopped');
    await expect.poll(() => runs('elevated'), patience).toBe(false);
  });

  it('stops an output without end at its limit', async () => {
    await expect(run('yes')).rejects.toMatchObject({ code: 'DEVICE_FACTS_UNREADABLE' });
  });
});

it('refuses a system that is no Linux, by name', () => {
  const before = Object.getOwnPropertyDescriptor(process, 'platform');
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  try {
    const connector = createLocalConnector({ clock: systemClock, logger: silentLogger, environment: {} });
    expect(connector.isPossible).toBe(false);
    expect(() => connector.open(AbortSignal.timeout(1000))).toThrow(
      expect.objectContaining({ code: 'DEVICE_UNSUPPORTED' }),
    );
  } finally {
    if (before !== undefined) Object.defineProperty(process, 'platform', before);
  }
});

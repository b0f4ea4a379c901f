import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256 } from '../testing/fake-ports.ts';
import { patience } from '../testing/patience.ts';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { commandFailure } from './command-failure.ts';
import {
  makeConfigDirectory,
  protectMachineKey,
  receiveBinary,
  receiveMachineKey,
  writeConfig,
} from './commands.ts';
import type { DeviceCommand } from './device-command.ts';
import { EXIT_DATA_DIFFERS, EXIT_OBSTRUCTED } from './exit-status.ts';
import { composeTrip, type Fragment } from './fragment.ts';
import { binaryPath, configDirectory, configPath, keyPath, restartMarkPath, unitPath } from './paths.ts';
import { partHeader, partsEnd } from './receive.ts';
import { restartUnit, writeUnit } from './unit-commands.ts';

let root: TemporaryRoot;

beforeEach(() => {
  root = new TemporaryRoot();
  root.standIn('chown', ':');
  root.standIn('systemctl', ':');
});

afterEach(() => {
  root.remove();
});

function asTrip(fragments: readonly Fragment[]): DeviceCommand {
  return composeTrip('test', 'c0ffee', [{ step: 'key-config', fragments }]);
}

function trip(fragments: readonly Fragment[], payload = '') {
  return runShell(asTrip(fragments).script, { payload, env: root.env });
}

/** A file as an upload sends it. */
function inParts(content: string): Buffer {
  const part = gzipSync(content);
  return Buffer.concat([Buffer.from(partHeader('gzip', part.length)), part, Buffer.from(partsEnd)]);
}

const contentOf = (path: string): string => readFileSync(root.on(path), 'utf8');
const modeOf = (path: string): number => statSync(root.on(path)).mode & 0o7777;
const beside = (path: string): string[] => readdirSync(dirname(root.on(path)));

describe('receiving the binary', () => {
  const content = 'new agent '.repeat(20_000);
  const receive = (payload: Uint8Array, hash = sha256(content)) =>
    runShell(receiveBinary(hash).script, { payload, env: root.env });

  it('puts it in place, executable, with nothing left beside it', () => {
    expect(receive(inParts(content)).status).toBe(0);
    expect(contentOf(binaryPath)).toBe(content);
    expect(modeOf(binaryPath)).toBe(0o755);
    expect(beside(binaryPath)).toEqual(['fleet-agent']);
  });

  it('replaces the old file by a rename: who runs it keeps it', () => {
    root.write(binaryPath, 'old', 0o755);
    const old = statSync(root.on(binaryPath)).ino;
    expect(receive(inParts(content)).status).toBe(0);
    expect(statSync(root.on(binaryPath)).ino).not.toBe(old);
  });

  it.each([
    ['is another one', inParts('something else'), EXIT_DATA_DIFFERS],
    ['is cut off', inParts(content).subarray(0, 100), undefined],
    ['is no parts', Buffer.from(content), undefined],
    ['is empty', Buffer.alloc(0), undefined],
  ])('keeps the old file, and leaves nothing, when what arrives %s', (_what, payload, expected) => {
    root.write(binaryPath, 'old', 0o755);
    const { status } = receive(payload);
    expect(status).not.toBe(0);
    if (expected !== undefined) expect(status).toBe(expected);
    expect(contentOf(binaryPath)).toBe('old');
    expect(beside(binaryPath)).toEqual(['fleet-agent']);
    expect(existsSync(root.on(restartMarkPath))).toBe(false);
  });

  it('keeps the old file when it is killed in the middle, and clears up the next time', async () => {
    root.write(binaryPath, 'old', 0o755);
    const { script } = receiveBinary(sha256(content));
    const child = spawn('/bin/sh', ['-c', script], { env: root.env, detached: true });
    child.stdin.write(inParts(content).subarray(0, 60));
    await vi.waitFor(() => expect(beside(binaryPath)).toHaveLength(2), patience);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
    expect(contentOf(binaryPath)).toBe('old');
    expect(receive(inParts(content)).status).toBe(0);
    expect(beside(binaryPath)).toEqual(['fleet-agent']);
    expect(contentOf(binaryPath)).toBe(content);
  });
});

describe('receiving the machine key', () => {
  const key = JSON.stringify({ type: 'serviceaccount', keyId: '1', key: "-----'\n$x", userId: '2' });
  const size = Buffer.byteLength(key);
  const receive = (payload: string, hash = sha256(key), length = size) =>
    trip([makeConfigDirectory(), receiveMachineKey(length, hash)], payload);

  it('puts it in place for root and the agent only', () => {
    expect(receive(key).status).toBe(0);
    expect(contentOf(keyPath)).toBe(key);
    expect(modeOf(keyPath)).toBe(0o640);
    expect(modeOf(configDirectory)).toBe(0o750);
    expect(beside(keyPath).sort()).toEqual(['.restart-needed', 'zitadel-key.json']);
    const [directory, file] = root.calls().filter((call) => call.startsWith('chown'));
    expect(directory).toMatch(/^chown \d+:fleet-agent .*\/etc\/fleet-agent$/);
    expect(file).toMatch(/^chown fleet-agent:fleet-agent .*\/etc\/fleet-agent\/\.fleet-agent\.new\./);
  });

  it('is never readable for others, not even while it is written', () => {
    // The stand-in looks at the file in the instant before it gets its owner.
    root.standIn('chown', 'case "$2" in *.new.*) stat -c "mode %a" "$2" ;; esac');
    expect(receive(key).stdout).toContain('mode 600');
  });

  it('does not print it', () => {
    const { stdout, stderr } = receive(key);
    expect(stdout + stderr).not.toContain('serviceaccount');
    expect(stdout).toContain('[redacted]');
  });

  it.each([
    ['is another one', key.replace('"1"', '"3"')],
    ['is cut off', key.slice(0, 20)],
    ['is missing', ''],
  ])('keeps the old key, and leaves nothing, when what arrives %s', (_what, payload) => {
    root.write(keyPath, 'old key', 0o640);
    const { status, stdout } = receive(payload);
    expect(status).toBe(EXIT_DATA_DIFFERS);
    expect(stdout).toContain('the key that arrived is not the key that was sent');
    expect(contentOf(keyPath)).toBe('old key');
    expect(beside(keyPath)).toEqual(['zitadel-key.json']);
  });

  it('keeps the old key when its owner cannot be set', () => {
    root.write(keyPath, 'old key', 0o640);
    root.standIn('chown', 'case "$2" in *.new.*) exit 1 ;; esac');
    expect(receive(key).status).toBe(1);
    expect(contentOf(keyPath)).toBe('old key');
    expect(beside(keyPath)).toEqual(['zitadel-key.json']);
  });

  it('clears up what a run that was killed has left', () => {
    root.write(`${configDirectory}/.fleet-agent.new.abandoned`, 'half a key', 0o600);
    expect(receive(key).status).toBe(0);
    expect(beside(keyPath).sort()).toEqual(['.restart-needed', 'zitadel-key.json']);
  });
});

describe('the config', () => {
  it('is written exactly, whatever stands in it', () => {
    const content = `[labels]\ngroup = "a'; reboot $(x) \\\\ %s"\n\n`;
    expect(trip([makeConfigDirectory(), writeConfig(content)]).status).toBe(0);
    expect(contentOf(configPath)).toBe(content);
    expect(modeOf(configPath)).toBe(0o644);
  });

  it('marks the agent for a restart, and the restart takes the mark away, but only when it worked', () => {
    trip([makeConfigDirectory(), writeConfig('x')]);
    expect(existsSync(root.on(restartMarkPath))).toBe(true);
    root.standIn('systemctl', 'exit 1');
    expect(trip([restartUnit()]).status).toBe(1);
    expect(existsSync(root.on(restartMarkPath))).toBe(true);
    root.standIn('systemctl', ':');
    expect(trip([restartUnit()]).status).toBe(0);
    expect(existsSync(root.on(restartMarkPath))).toBe(false);
    expect(root.calls()).toContain('systemctl restart fleet-agent.service');
  });
});

/** The four ways a file gets onto a device, each with what it reads from standard input. */
const writers: readonly [string, DeviceCommand, string | Uint8Array][] = [
  [binaryPath, receiveBinary(sha256('agent')), inParts('agent')],
  [keyPath, asTrip([receiveMachineKey(3, sha256('key'))]), 'key'],
  [configPath, asTrip([writeConfig('config')]), ''],
  [unitPath, asTrip([writeUnit('unit')]), ''],
];

describe.each(writers)('a power cut while %s is written', (path, { script }, payload) => {
  beforeEach(() => {
    root.write(restartMarkPath, '');
    root.standIn('mv', 'exec /bin/mv "$@"');
  });
  const flushes = (): string[] => root.calls().filter((call) => /^(sync|mv) ?/.test(call));

  it('finds its data on the disk before the rename, and the rename after it, nothing else waited for', () => {
    expect(runShell(script, { payload, env: root.env }).status).toBe(0);
    const temporary = `${dirname(root.on(path))}/.fleet-agent.new.`;
    expect(flushes().map((call) => call.replace(/(\.new\.)\w+/, '$1'))).toEqual([
      `sync ${temporary}`,
      `mv -f ${temporary} ${root.on(path)}`,
      `sync ${dirname(root.on(path))}`,
    ]);
  });

  it('finds the same where sync takes no file', () => {
    root.standIn('sync', '[ $# = 0 ]');
    expect(runShell(script, { payload, env: root.env }).status).toBe(0);
    const words = flushes().map((call) => (call.trim() === 'sync' ? 'sync all' : call.split(' ')[0]));
    expect(words).toEqual(['sync', 'sync all', 'mv', 'sync', 'sync all']);
  });

  it('does not make a file that is in place look like one that is not', () => {
    root.standIn('sync', 'case "$1" in *.new.*) exit 0 ;; esac; exit 1');
    expect(runShell(script, { payload, env: root.env }).status).toBe(0);
    expect(existsSync(root.on(path))).toBe(true);
  });
});

describe.each(writers)('a signal while %s is written', (path, { script }, payload) => {
  it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('%s leaves no temporary file', async (signal) => {
    root.write(path, 'old');
    // Until the signal comes, whenever that is.
    root.standIn('sync', 'exec sleep 600');
    const child = spawn('/bin/sh', ['-c', script], {
      env: root.env,
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.stdin.end(payload);
    await vi.waitFor(() => expect(root.calls().some((call) => call.startsWith('sync'))).toBe(true), patience);
    expect(beside(path).filter((name) => name.startsWith('.fleet-agent.new.'))).toHaveLength(1);
    process.kill(-(child.pid ?? 0), signal);
    await ended;
    await vi.waitFor(() => expect(beside(path).join()).not.toContain('.new.'), patience);
    expect(contentOf(path)).toBe('old');
  });

  it('is cleared up after by the next run when it was SIGKILL, and files of others are left alone', () => {
    root.write(`${dirname(path)}/.fleet-agent.new.abandoned`, 'half', 0o600);
    root.write(`${dirname(path)}/.new.of-somebody-else`, 'theirs');
    expect(runShell(script, { payload, env: root.env }).status).toBe(0);
    expect(beside(path)).not.toContain('.fleet-agent.new.abandoned');
    expect(beside(path)).toContain('.new.of-somebody-else');
  });
});

describe.each(writers)('what stands in the place of %s', (path, { script }, payload) => {
  const write = () => runShell(script, { payload, env: root.env });

  it('is replaced when it is a link, and what it points to is left alone', () => {
    for (const target of ['/elsewhere', '/a-folder', '/nothing']) {
      root.write('/elsewhere', 'theirs');
      mkdirSync(root.on('/a-folder'), { recursive: true });
      rmSync(root.on(path), { force: true });
      root.link(path, root.on(target));
      expect(write().status).toBe(0);
      expect(lstatSync(root.on(path)).isFile()).toBe(true);
      expect(contentOf('/elsewhere')).toBe('theirs');
      expect(readdirSync(root.on('/a-folder'))).toEqual([]);
      expect(existsSync(root.on('/nothing'))).toBe(false);
    }
  });

  it('ends it when it is a directory: nothing is moved into it, and nothing is left', () => {
    mkdirSync(root.on(path), { recursive: true });
    const { status, stdout } = write();
    expect(status).toBe(EXIT_OBSTRUCTED);
    expect(commandFailure('binary', status ?? 0, stdout)).toMatchObject({
      ...{ code: 'DEVICE_OBSTRUCTED', details: { path, problem: 'is a directory' } },
    });
    expect(readdirSync(root.on(path))).toEqual([]);
    expect(beside(path).join()).not.toContain('.new.');
  });

  it('is not written to when the directory of key and config is a link', () => {
    mkdirSync(root.on('/of-pi'));
    root.link(configDirectory, root.on('/of-pi'));
    expect(write().status).not.toBe(0);
    expect(readdirSync(root.on('/of-pi'))).toEqual([]);
  });

  it('cannot be turned against root by a mark that is a link', () => {
    root.write('/etc/shadow', 'secret hashes');
    root.link(restartMarkPath, root.on('/etc/shadow'));
    expect(write().status).toBe(0);
    expect(contentOf('/etc/shadow')).toBe('secret hashes');
    expect(lstatSync(root.on(restartMarkPath)).isFile()).toBe(true);
  });

  it('is only touched once nobody else can write to the directory of the key', () => {
    root.write(`${configDirectory}/other`, '');
    chmodSync(root.on(configDirectory), 0o777);
    root.standIn(
      'mv',
      `stat -c %a '${root.on(configDirectory)}' >> '${root.on('/modes')}'; exec /bin/mv "$@"`,
    );
    expect(write().status).toBe(0);
    for (const mode of contentOf('/modes').trim().split('\n'))
      expect(Number.parseInt(mode, 8) & 0o022).toBe(0);
  });
});

describe('the key that is there already', () => {
  const protect = () => trip([protectMachineKey()]);

  it('gets its owner and mode', () => {
    root.write(keyPath, 'key', 0o666);
    expect(protect().status).toBe(0);
    expect(modeOf(keyPath)).toBe(0o640);
    expect(root.calls()).toContain(`chown -h fleet-agent:fleet-agent ${root.on(keyPath)}`);
  });

  it.each([
    ['a link', () => root.link(keyPath, root.on('/etc/shadow'))],
    ['a second name', () => linkSync(root.on('/etc/shadow'), root.on(keyPath))],
  ])('is not touched where it is %s', (_what, make) => {
    root.write('/etc/shadow', 'secret hashes', 0o600);
    root.write(configPath, '');
    make();
    expect(protect().status).toBe(EXIT_OBSTRUCTED);
    expect(modeOf('/etc/shadow')).toBe(0o600);
    expect(root.calls().filter((call) => call.startsWith('chown'))).toEqual([]);
  });
});

describe('rights', () => {
  it.each([
    [binaryPath, 0, 0o755],
    [configPath, 2, 0o644],
    [unitPath, 3, 0o644],
  ] as const)(
    '%s gets user and group of root, whatever group its directory hands down',
    (path, writer, mode) => {
      const [, command, payload] = writers[writer] ?? [];
      const write = () => runShell(command?.script ?? '', { payload: payload ?? '', env: root.env }).status;
      const own = `${process.getuid?.()}:${process.getgid?.()}`;
      const given = () => root.calls().filter((call) => call.startsWith(`chown ${own} `));
      root.write(restartMarkPath, '');
      expect([write(), modeOf(path), given().length]).toEqual([0, mode, 0]);
      // Only root can have a directory hand down a group that is not its own.
      if (process.getuid?.() !== 0) return;
      chownSync(root.on(dirname(path)), 0, 50);
      chmodSync(root.on(dirname(path)), 0o2755);
      expect([write(), modeOf(path), given().length]).toEqual([0, mode, 1]);
    },
  );

  it('of the directory are exactly 0750, also where it handed down its group', () => {
    root.write(configPath, '');
    chmodSync(root.on(configDirectory), 0o2775);
    expect(trip([makeConfigDirectory()]).status).toBe(0);
    expect(modeOf(configDirectory)).toBe(0o750);
  });
});

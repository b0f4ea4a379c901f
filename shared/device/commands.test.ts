import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256 } from '../testing/fake-ports.ts';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import {
  EXIT_DATA_DIFFERS,
  makeConfigDirectory,
  receiveBinary,
  receiveMachineKey,
  restartUnit,
  writeConfig,
} from './commands.ts';
import { composeTrip, type Fragment } from './fragment.ts';
import { binaryPath, configDirectory, configPath, keyPath, restartMarkPath } from './paths.ts';

let root: TemporaryRoot;

beforeEach(() => {
  root = new TemporaryRoot();
  root.standIn('chown', ':');
  root.standIn('systemctl', ':');
});

afterEach(() => {
  root.remove();
});

function trip(fragments: readonly Fragment[], payload = '') {
  const { script } = composeTrip('test', 'c0ffee', [{ step: 'key-config', fragments }]);
  return runShell(script, { payload, env: root.env });
}

const contentOf = (path: string): string => readFileSync(root.on(path), 'utf8');
const modeOf = (path: string): number => statSync(root.on(path)).mode & 0o7777;
const beside = (path: string): string[] => readdirSync(dirname(root.on(path)));

describe('receiving the binary', () => {
  const content = 'new agent '.repeat(20_000);
  const receive = (payload: Uint8Array, hash = sha256(content)) =>
    runShell(receiveBinary(hash).script, { payload, env: root.env });

  it('puts it in place, executable, with nothing left beside it', () => {
    expect(receive(gzipSync(content)).status).toBe(0);
    expect(contentOf(binaryPath)).toBe(content);
    expect(modeOf(binaryPath)).toBe(0o755);
    expect(beside(binaryPath)).toEqual(['fleet-agent']);
  });

  it('replaces the old file by a rename: who runs it keeps it', () => {
    root.write(binaryPath, 'old', 0o755);
    const old = statSync(root.on(binaryPath)).ino;
    expect(receive(gzipSync(content)).status).toBe(0);
    expect(statSync(root.on(binaryPath)).ino).not.toBe(old);
  });

  it.each([
    ['is another one', gzipSync('something else'), EXIT_DATA_DIFFERS],
    ['is cut off', gzipSync(content).subarray(0, 100), undefined],
    ['is not compressed', Buffer.from(content), undefined],
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
    child.stdin.write(gzipSync(content).subarray(0, 60));
    await vi.waitFor(() => expect(beside(binaryPath)).toHaveLength(2), { timeout: 5_000, interval: 5 });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
    expect(contentOf(binaryPath)).toBe('old');
    expect(receive(gzipSync(content)).status).toBe(0);
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
    expect(file).toMatch(/^chown fleet-agent:fleet-agent .*\/etc\/fleet-agent\/\.new\./);
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
    root.write(`${configDirectory}/.new.abandoned`, 'half a key', 0o600);
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

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { patience } from '../testing/patience.ts';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { commandFailure } from './command-failure.ts';
import { defineCommand } from './device-command.ts';
import { EXIT_DEVICE_BUSY, EXIT_EPOCH_CHANGED, fenced, holderIn, parseHolder, raiseEpoch } from './fence.ts';
import { composeTrip } from './fragment.ts';
import { lookAsRootCommand } from './look.ts';
import { epochPath, lockPath } from './paths.ts';

const me = { id: 'c0ffee', station: 'Line 1' };
const hasFlock = existsSync('/usr/bin/flock') && process.platform === 'linux';
let root: TemporaryRoot;
let others: ChildProcess[];
let ended: Promise<unknown>[];

beforeEach(() => {
  root = new TemporaryRoot();
  root.write('/etc/fleet-agent/config.toml', '');
  others = [];
  ended = [];
});

afterEach(async () => {
  for (const { pid } of others) endGroup(pid);
  await Promise.all(ended);
  root.remove();
});

const command = (script: string) => defineCommand('test', `${script}\n`, { asRoot: true });
const run = (script: string, epoch = 0, env: Record<string, string> = {}) =>
  runShell(fenced(command(script), { holder: me, epoch }).script, { env: { ...root.env, ...env } });
const raise = (epoch: number) =>
  runShell(
    fenced(composeTrip('raise', 'c0ffee', [{ step: 'key-config', fragments: [raiseEpoch()] }]), {
      ...{ holder: me, epoch },
    }).script,
    { env: root.env },
  );
const epochOf = () => readFileSync(root.on(epochPath), 'utf8');
const isFree = () => runShell(`flock -n '${root.on(lockPath)}' true`).status === 0;

/** Ends whatever is left of a process and what it has started. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}

/** A script of another station that runs until it is ended; resolves when it holds the lock. */
async function another(script = 'exec sleep 600') {
  const started = root.on('/started');
  const child = spawn(
    '/bin/sh',
    [
      '-c',
      fenced(command(`: > '${started}'\n${script}`), { holder: { id: 'beef', station: 'Line 2' }, epoch: 0 })
        .script,
    ],
    { env: root.env, stdio: 'ignore', detached: true },
  );
  others.push(child);
  ended.push(new Promise((resolve) => child.once('exit', resolve)));
  await vi.waitFor(() => expect(existsSync(started)).toBe(true), patience);
  return child;
}

describe('the epoch', () => {
  it('is nought on a fresh device, and lets a script pass that saw it', () => {
    expect(run('echo in').stdout).toBe('in\n');
  });

  it('is raised by one, for root alone, as a whole', () => {
    expect(raise(0).status).toBe(0);
    expect(epochOf()).toBe('1\n');
    expect(statSync(root.on(epochPath)).mode & 0o7777).toBe(0o600);
    expect(raise(1).status).toBe(0);
    expect(epochOf()).toBe('2\n');
    expect(existsSync(root.on(`${epochPath}.new`))).toBe(false);
  });

  it('stops a script that looked before somebody else gave the device a key: it does nothing', () => {
    raise(0);
    const { status, stdout } = run(`: > '${root.on('/touched')}'`, 0);
    expect(status).toBe(EXIT_EPOCH_CHANGED);
    expect(existsSync(root.on('/touched'))).toBe(false);
    expect(commandFailure('key-config', EXIT_EPOCH_CHANGED, stdout).code).toBe('DEVICE_ENROLLED_ELSEWHERE');
  });

  it('is told by a look, which makes no file for it', () => {
    const look = () => runShell(lookAsRootCommand('c0ffee', 'root').script, { env: root.env }).stdout;
    expect(look()).toContain('@c0ffee epoch 0\n');
    expect(existsSync(root.on(epochPath)) || existsSync(root.on(lockPath))).toBe(false);
    raise(0);
    expect(look()).toContain('@c0ffee epoch 1\n');
  });

  it.each(['', 'three', '1; reboot', '-1'])('%j in its file lets nothing pass', (content) => {
    writeFileSync(root.on(epochPath), content);
    expect(run(':', 0).status).toBe(EXIT_EPOCH_CHANGED);
  });
});

describe.skipIf(!hasFlock)('the lock', () => {
  it('is root’s alone, names its holder while a script runs, and is free afterwards', () => {
    const { stdout } = run(`cat "$R${lockPath}"; flock -n "$R${lockPath}" true || echo held`);
    expect(stdout).toBe('c0ffee Line 1\nheld\n');
    expect(statSync(root.on(lockPath)).mode & 0o7777).toBe(0o600);
    expect(isFree()).toBe(true);
  });

  it('keeps a second script out, which does nothing and tells who holds it', async () => {
    const other = await another();
    const { status, stdout } = run(`: > '${root.on('/touched')}'`);
    process.kill(-(other.pid ?? 0), 'SIGKILL');
    expect(status).toBe(EXIT_DEVICE_BUSY);
    expect(existsSync(root.on('/touched'))).toBe(false);
    expect(holderIn(stdout)).toEqual({ id: 'beef', station: 'Line 2' });
    expect(commandFailure('user', status ?? -1, stdout)).toMatchObject({
      ...{ code: 'DEVICE_BUSY', details: { holder: 'Line 2' } },
    });
  });

  it('is told by a look that waited for it in vain', async () => {
    const other = await another();
    const { stdout } = runShell(lookAsRootCommand('c0ffee', 'root').script, { env: root.env });
    process.kill(-(other.pid ?? 0), 'SIGKILL');
    expect(stdout).toContain('@c0ffee held-by beef Line 2\n');
    expect(stdout).toContain('@c0ffee end ok\n');
  });

  it('lets a second script in as soon as the first has ended', async () => {
    const waits = root.on('/waits');
    await another(`while [ ! -e '${waits}' ]; do sleep 0.02; done`);
    // The first ends because the second waits, which has all the time that takes.
    root.standIn(
      'flock',
      `[ "$1" = -w ] && { shift 2; set -- -w 50 "$@"; : > '${waits}'; }; exec /usr/bin/flock "$@"`,
    );
    expect(run('echo in').stdout).toBe('in\n');
    expect(existsSync(waits)).toBe(true);
  });

  it.each(['SIGKILL', 'SIGTERM', 'SIGHUP'] as const)('is free when its script ended by %s', async (name) => {
    const other = await another();
    process.kill(-(other.pid ?? 0), name);
    await Promise.all(ended);
    expect(isFree()).toBe(true);
  });

  it('stays while something runs that a killed script has left: apt finishing', async () => {
    const other = await another(`sleep 600 & echo $! > '${root.on('/left')}'\nwait`);
    await vi.waitFor(() => expect(readFileSync(root.on('/left'), 'utf8')).toMatch(/\d\n/), patience);
    process.kill(other.pid ?? 0, 'SIGKILL');
    await Promise.all(ended);
    expect(isFree()).toBe(false);
    process.kill(Number(readFileSync(root.on('/left'), 'utf8')), 'SIGKILL');
    await vi.waitFor(() => expect(isFree()).toBe(true), patience);
  });

  it('takes any name of a station for text', () => {
    const station = `a'; touch '${root.on('/touched')}'; $(reboot)\n\u202e`;
    const script = fenced(command(`cat "$R${lockPath}"`), { holder: { id: 'x', station }, epoch: 0 }).script;
    const { stdout } = runShell(script, { env: root.env });
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stdout.startsWith("x a'; touch")).toBe(true);
    expect(existsSync(root.on('/touched'))).toBe(false);
  });
});

it('without flock, as on a rehearsal’s computer, a script runs all the same and the epoch still counts', () => {
  const programs = root.on('/programs');
  mkdirSync(programs);
  for (const name of ['cat', 'head']) symlinkSync(`/usr/bin/${name}`, `${programs}/${name}`);
  expect(run('echo in', 0, { PATH: programs }).stdout).toBe('in\n');
  expect(run('echo in', 1, { PATH: programs }).status).toBe(EXIT_EPOCH_CHANGED);
  expect(existsSync(root.on(lockPath))).toBe(false);
});

it('whatever part of it arrives, a script that is cut off does nothing', () => {
  const touched = root.on('/touched');
  const whole = fenced(command(`: > '${touched}'\n: > '${touched}'`), { holder: me, epoch: 0 }).script;
  for (let length = 0; length < whole.trimEnd().length; length += 7) {
    runShell(whole.slice(0, length), { env: root.env });
    expect(existsSync(touched)).toBe(false);
    expect(existsSync(root.on(lockPath))).toBe(false);
  }
  expect(runShell(whole, { env: root.env }).status).toBe(0);
  expect(existsSync(touched)).toBe(true);
});

it('says that it is held, whatever its file holds', () => {
  expect(parseHolder('').station).toBe('somebody who left no name');
  expect(parseHolder('abc')).toEqual({ id: '', station: 'somebody who left no name' });
});

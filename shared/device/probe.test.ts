import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { type Endpoint, parseProbe, probeCommand } from './probe.ts';

let root: TemporaryRoot;
let children: ChildProcess[];
beforeEach(() => {
  root = new TemporaryRoot();
  children = [];
  root.standIn('dpkg', ':');
  root.standIn('apt-cache', ':');
  root.standIn('systemctl', ':');
  root.standIn('journalctl', ':');
});
afterEach(async () => {
  for (const child of children) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  root.remove();
});

/** Another program, once it has said something. */
async function begin(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [bytes] = await once(child.stdout, 'data');
  return String(bytes).trim();
}

function probe(wanted: { packages?: readonly string[]; endpoints?: readonly Endpoint[] } = {}) {
  const command = probeCommand('n1', { packages: [], endpoints: [], ...wanted });
  const { stdout, stderr } = runShell(command.script, { env: root.env });
  return parseProbe(`Welcome\n${stdout}`, 'n1') && { facts: parseProbe(stdout, 'n1'), stdout, stderr };
}

it('of a quiet device finds nothing, and leaves nothing behind', () => {
  const before = readdirSync(root.path, { recursive: true });
  const { facts } = probe();
  expect(facts).toEqual({
    ...{ aptLockHolder: undefined, brokenPackages: undefined, unavailablePackages: [], unitState: undefined },
    ...{ unitRestarts: undefined, journalLines: [], reach: new Map() },
  });
  expect(readdirSync(root.path, { recursive: true })).toEqual(before);
});

it('names who holds a lock of the package system, and neither waits nor takes it', async () => {
  const lock = root.on('/var/lib/dpkg/lock-frontend');
  root.write('/var/lib/dpkg/lock-frontend', '');
  expect(probe().facts.aptLockHolder).toBeUndefined();
  const held =
    'use Fcntl qw(F_SETLK F_WRLCK SEEK_SET); open(my $f, "+<", $ARGV[0]) or die; my $l = pack("s s x4 q q l x4", F_WRLCK, SEEK_SET, 0, 0, 0); fcntl($f, F_SETLK, $l) or die; $| = 1; print "$$\n"; sleep 600;';
  const pid = await begin('perl', ['-e', held, lock]);
  expect(probe().facts.aptLockHolder).toBe(`${pid} perl`);
});

it('reads the unit’s life and the last it said, made printable', () => {
  root.standIn('systemctl', 'case "$*" in *ActiveState*) echo failed ;; *NRestarts*) echo 17 ;; esac');
  root.standIn('journalctl', `printf 'starting\\n\\033[2Jcannot connect\\n'`);
  expect(probe().facts).toMatchObject({
    ...{ unitState: 'failed', unitRestarts: 17, journalLines: ['starting', '[2Jcannot connect'] },
  });
});

it('tells packages without a source, and what dpkg left half done', () => {
  root.standIn(
    'apt-cache',
    'case "$*" in *podman) printf "podman:\\n  Candidate: 4.3.1\\n" ;; *uidmap) printf "uidmap:\\n  Candidate: (none)\\n" ;; esac',
  );
  root.standIn('dpkg', 'echo "half-installed: podman"; exit 1');
  const packages = ['podman', 'uidmap', "x'; touch owned; '"];
  const { facts } = probe({ packages });
  expect(facts.unavailablePackages.slice(0, 1)).toEqual(['uidmap']);
  expect(facts.brokenPackages).toBe('half-installed: podman');
  expect(root.calls().some((call) => call.startsWith('touch'))).toBe(false);
});

it('keeps a dpkg that knows no audit out of it', () => {
  root.standIn('dpkg', 'echo "unknown option"; exit 2');
  expect(probe().facts.brokenPackages).toBeUndefined();
});

describe('reaching a server', () => {
  const server = (script: string) =>
    begin(process.execPath, [
      '-e',
      `const s = require('node:net').createServer((c) => { c.on('error', () => {}); ${script} }).listen(0, '127.0.0.1', () => console.log(s.address().port));`,
    ]);

  /** The way to a server has all the time it takes on this computer, and what it says first has this much. */
  const patientWith = (greetingSeconds: number) =>
    root.standIn(
      'timeout',
      `[ "$1" = 1 ] && n=${greetingSeconds} || n=40; shift; exec /usr/bin/timeout "$n" "$@"`,
    );

  it('tells what it said first, silence, and refusal', async () => {
    const nats = Number(await server('c.write("INFO {}\\r\\n")'));
    const silent = [{ name: 'issuer', host: '127.0.0.1', port: Number(await server('')) }];
    const endpoints = [
      { name: 'nats-1', host: '127.0.0.1', port: nats },
      { name: 'nats-2', host: '127.0.0.1', port: 1 },
      { name: 'nats-3', host: 'no-such-host.invalid', port: 4222 },
      { name: 'nats-4', host: "x'; touch owned", port: 4222 },
    ];
    patientWith(1);
    expect(probe({ endpoints: silent }).facts.reach.get('issuer')).toEqual({ kind: 'reached', greeting: '' });
    patientWith(40);
    const { facts } = probe({ endpoints });
    expect(facts.reach.get('nats-1')).toEqual({ kind: 'reached', greeting: 'INFO' });
    expect(facts.reach.get('nats-2')).toMatchObject({
      kind: 'not-reached',
      why: expect.stringContaining('refused'),
    });
    expect(facts.reach.get('nats-3')).toMatchObject({
      kind: 'not-reached',
      why: expect.stringMatching(/known|resolution/),
    });
    expect(facts.reach.has('nats-4')).toBe(false);
  });
});

it('that was cut off is told, and lines of others are not believed', () => {
  expect(() => parseProbe('@n1 apt-lock 1 x\n', 'n1')).toThrowError(
    expect.objectContaining({ code: 'DEVICE_FACTS_UNREADABLE' }),
  );
  expect(parseProbe('@n2 apt-lock 1 x\n@n1 end ok\n', 'n1').aptLockHolder).toBeUndefined();
});

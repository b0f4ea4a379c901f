import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { installPackages } from './apt-commands.ts';
import { AptProgress } from './apt-progress.ts';
import { commandFailure } from './command-failure.ts';
import { EXIT_APT_LOCKED } from './exit-status.ts';
import { composeTrip } from './fragment.ts';

let root: TemporaryRoot;

beforeEach(() => {
  root = new TemporaryRoot();
  root.standIn('dpkg', ':');
  // Every second of waiting is one second more on the device's clock, and none here.
  root.write('/now', '1000');
  root.standIn('date', `cat '${root.path}/now'`);
  root.standIn('sleep', `echo $(($(cat '${root.path}/now') + $1)) > '${root.path}/now'`);
});

afterEach(() => {
  root.remove();
});

const LIMIT = 20;
const install = composeTrip('test', 'c0ffee', [
  { step: 'packages', fragments: [installPackages(['podman'], LIMIT)] },
]);
const run = () => runShell(install.script, { env: root.env });
/** What apt-get is asked for, in order. */
const aptCalls = (): string[] =>
  root
    .calls()
    .flatMap(
      (call) => / (install|update|--fix-broken)\b/.exec(call.startsWith('apt-get') ? call : '')?.[1] ?? [],
    );
const aptDoes = (script: string): void => root.standIn('apt-get', script);
const now = (): number => Number(readFileSync(root.on('/now'), 'utf8'));
/** What the board would show, change by change. */
function boardShows(stdout: string): string[] {
  const progress = new AptProgress();
  const texts = stdout.split('\n').flatMap((line) => progress.read(line)?.text ?? []);
  return texts.filter((text, index) => text !== texts[index - 1]);
}

const held = 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)';
const inUse =
  'E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?';
const listsHeld = `E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt.systemd.dai)
E: Unable to lock directory /var/lib/apt/lists/`;

describe('a lock', () => {
  it.each([held, inUse, `${held}\n${inUse}`, listsHeld])(
    'that outlasts the limit ends it, with who holds it, and is never removed: %s',
    (words) => {
      aptDoes(`printf '%s\\n' '${words}' >&2; exit 100`);
      root.write('/var/lib/dpkg/lock-frontend', '');
      const { status, stdout } = run();
      expect(status).toBe(EXIT_APT_LOCKED);
      expect(now() - 1000).toBe(LIMIT);
      expect(new Set(aptCalls())).toEqual(new Set(['install']));
      const name = /\((.*)\)/.exec(words.split('(/')[0] ?? '')?.[1];
      const holder = name === undefined ? 'another process' : `process 812 (${name})`;
      expect(commandFailure('packages', status ?? 0, stdout)).toMatchObject({
        ...{ code: 'DEVICE_APT_LOCKED', details: { waited: '20.0 s', holder } },
      });
      expect(root.calls().filter((call) => call.startsWith('rm'))).toEqual([]);
      expect(readFileSync(root.on('/var/lib/dpkg/lock-frontend'), 'utf8')).toBe('');
    },
  );

  it('that apt waits for by itself gets what is left of the limit, never more', () => {
    aptDoes(
      `[ "$(cat '${root.path}/now')" -ge 1007 ] || { sleep 7; printf '%s\\n' '${listsHeld}' >&2; exit 100; }`,
    );
    expect(run().status).toBe(0);
    const limits = root.calls().flatMap((call) => /Lock::Timeout=(\d+)/.exec(call)?.[1] ?? []);
    expect(limits).toEqual(['20', '11']);
  });

  it('of the lists is waited for, said on the board, and then it goes on', () => {
    aptDoes(`case "$*" in *update*)
  [ "$(cat '${root.path}/now')" -ge 1008 ] || { printf '%s\\n' '${listsHeld}' >&2; exit 100; }
  : > '${root.path}/lists'; exit 0 ;;
esac
[ -e '${root.path}/lists' ] || { echo 'E: Unable to locate package podman' >&2; exit 100; }
printf '%s\\n' '0 upgraded, 1 newly installed, 0 to remove' 'Setting up podman (4.3.1) ...'`);
    const { status, stdout } = run();
    expect(status).toBe(0);
    expect(aptCalls()).toEqual(['install', 'update', 'update', 'update', 'update', 'update', 'install']);
    expect(boardShows(stdout)).toEqual(['waits for apt.systemd.dai', '0 / 1', '1 / 1']);
    // Told once, not at every try.
    expect(stdout.match(/held by process/g)).toHaveLength(1);
  });

  it('that dpkg meets is waited for too, and its holder found by its id', () => {
    root.write('/proc/812/comm', 'unattended-upgr\n');
    root.standIn(
      'dpkg',
      `[ "$(cat '${root.path}/now')" -ge 1006 ] || {
  echo 'dpkg: error: dpkg frontend lock was locked by another process with pid 812' >&2; exit 2; }`,
    );
    aptDoes(`echo 'Setting up podman (4.3.1) ...'`);
    const { status, stdout } = run();
    expect(status).toBe(0);
    expect(boardShows(stdout)).toEqual(['waits for unattended-upgr', '1']);
    expect(root.calls().filter((call) => call.startsWith('dpkg'))).toEqual(
      Array(4).fill('dpkg --configure -a'),
    );
  });

  it('ends the wait when nobody listens any more', async () => {
    root.standIn('sleep', 'exec /bin/sleep 0.05');
    aptDoes(`printf '%s\\n' '${listsHeld}' >&2; exit 100`);
    const child = spawn('/bin/sh', ['-c', install.script], {
      env: root.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.stdout.once('data', () => child.stdout.destroy());
    await ended;
    expect(now()).toBe(1000);
  });
});

describe('a broken state of packages', () => {
  it('is completed before anything is installed', () => {
    aptDoes(':');
    expect(run().status).toBe(0);
    const first = root.calls().filter((call) => /^(dpkg|apt-get)/.test(call))[0];
    expect(first).toBe('dpkg --configure -a');
  });

  it('of somebody else does not stop it', () => {
    root.standIn('dpkg', 'echo "dpkg: error processing package theirs (--configure):" >&2; exit 1');
    aptDoes(':');
    expect(run().status).toBe(0);
    expect(aptCalls()).toEqual(['install']);
  });

  it('that lacks dependencies is mended, and the install tried again', () => {
    aptDoes(`case "$*" in *--fix-broken*) : > '${root.path}/mended'; exit 0 ;; *update*) exit 0 ;; esac
[ -e '${root.path}/mended' ] || { echo "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution)." >&2; exit 100; }`);
    expect(run().status).toBe(0);
    expect(aptCalls()).toEqual(['install', '--fix-broken', 'update', 'install']);
  });
});

describe('installing', () => {
  it('fetches the lists when a package is not known, also after a wait that ended well', () => {
    aptDoes(`case "$*" in *update*) : > '${root.path}/lists'; exit 0 ;; esac
[ -e '${root.path}/lists' ] && { echo 'Setting up podman'; exit 0; }
echo 'Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812'
echo 'E: Unable to locate package podman' >&2
exit 100`);
    const { status, stdout } = run();
    expect(status).toBe(0);
    expect(aptCalls()).toEqual(['install', 'update', 'install']);
    expect(stdout).toContain('E: Unable to locate package podman\n');
    expect(stdout).toContain('Setting up podman\n');
  });

  it('takes an install that ended well for that, whatever was printed', () => {
    aptDoes(`echo '${held}'; printf '%s' 'back\\slash %s without end'`);
    const { status, stdout } = run();
    expect(status).toBe(0);
    expect(aptCalls()).toEqual(['install']);
    expect(stdout).toContain('\nback\\slash %s without end\n');
  });

  it('hands every line on while apt still runs', async () => {
    // The stand-in goes on only once its first line was read here.
    aptDoes(`echo 'Setting up podman'; i=0
while [ ! -e '${root.path}/read' ] && [ $i -lt 1000 ]; do i=$((i + 1)); /bin/sleep 0.05; done
[ -e '${root.path}/read' ] && echo 'was read'`);
    const child = spawn('/bin/sh', ['-c', install.script], { env: root.env });
    const ended = new Promise((resolve) => child.once('close', resolve));
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Setting up podman\n')) root.write('/read', '');
    });
    child.stdin.end();
    await ended;
    expect(output).toContain('was read');
    expect(aptCalls()).toEqual(['install']);
  });
});

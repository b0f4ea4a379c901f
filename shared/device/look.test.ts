import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceFacts } from '../model/facts.ts';
import { agentUserFacts, unitFacts } from '../testing/builders.ts';
import { sha256 } from '../testing/fake-ports.ts';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import type { DeviceCommand } from './device-command.ts';
import { type LookResult, parseLook } from './facts/parse-facts.ts';
import { lookAsRootCommand, lookCommand } from './look.ts';
import {
  binaryPath,
  configDirectory,
  configPath,
  keyPath,
  requiredPackages,
  restartMarkPath,
  unitPath,
} from './paths.ts';

const NONCE = 'c0ffee00';
let root: TemporaryRoot;

beforeEach(() => {
  root = new TemporaryRoot();
  root.standIn('id', 'printenv FAKE_UID || echo 0');
  root.standIn('systemctl', 'exit 3');
  root.standIn('dpkg-query', 'echo "dpkg arm64 install ok installed"; exit 1');
  root.standIn('getent', 'exit 2');
  root.write('/etc/os-release', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n');
});

afterEach(() => {
  root.remove();
});

function look(env: Record<string, string> = {}, command: DeviceCommand = lookCommand(NONCE)): LookResult {
  const { stdout } = runShell(command.script, { env: { ...root.env, ...env } });
  return parseLook(stdout, NONCE, 'pi', Date.now() / 1000);
}

function factsOf(result: LookResult): DeviceFacts {
  if (result.kind !== 'facts') throw new Error(`no facts: ${result.elevation}`);
  return result.facts;
}

describe('a look, run for real', () => {
  it('finds nothing of the agent on a fresh device', () => {
    const begun = Date.now() / 1000;
    const facts = factsOf(look());
    const tookSeconds = Date.now() / 1000 - begun;
    expect(facts).toMatchObject({
      ...{ osId: 'debian', osVersion: '12', osName: 'Debian GNU/Linux 12 (bookworm)' },
      ...{ architecture: 'aarch64', elevation: 'root', loginUser: 'pi' },
      missingPackages: [...requiredPackages],
      agentUser: agentUserFacts(false),
      unit: unitFacts({ enabled: false, active: false }),
      ...{ firstBootRunning: false, rebootRequired: false },
    });
    expect(facts.key).toBeUndefined();
    expect(facts.binarySha256).toBeUndefined();
    for (const place of Object.values(facts.places)) {
      expect(place).toMatchObject({ writable: true, mount: expect.stringMatching(/^\//) });
      expect(place.freeBytes).toBeGreaterThan(0);
    }
    // The device told its time at some moment of the look, in whole seconds.
    expect(facts.clockOffsetSeconds).toBeLessThanOrEqual(1);
    expect(facts.clockOffsetSeconds).toBeGreaterThanOrEqual(-tookSeconds - 1);
  });

  it('takes packages for installed that are held back, and dpkg itself', () => {
    root.standIn('dpkg-query', 'shift 2; for p; do echo "$p armhf hold ok installed"; done');
    expect(factsOf(look())).toMatchObject({ missingPackages: [], architecture: 'armv7' });
    root.standIn('dpkg-query', 'shift 2; for p; do echo "$p arm64 deinstall ok config-files"; done');
    expect(factsOf(look()).missingPackages).toEqual([...requiredPackages]);
  });

  it('finds all that an enrollment puts there', () => {
    const { uid, gid } = userInfo();
    root.standIn('id', `case $1 in -g) echo ${gid} ;; *) echo ${uid} ;; esac`);
    root.standIn(
      'systemctl',
      `case "$*" in
      *--user*is-active*) echo active ;;
      show*) printf 'ActiveState=active\\nNeedDaemonReload=no\\n' ;;
    esac`,
    );
    root.standIn('runuser', 'shift 3; exec "$@"');
    root.standIn('dpkg-query', 'shift 2; for p; do echo "$p arm64 install ok installed"; done');
    root.standIn(
      'getent',
      `case $1 in
      group) echo 'fleet-agent:x:${gid}:' ;;
      *) echo 'fleet-agent:x:${uid}:${gid}::/var/lib/fleet-agent:/usr/sbin/nologin' ;;
    esac`,
    );
    root.write(binaryPath, 'binary', 0o755);
    root.write(configPath, 'config', 0o644);
    root.write(unitPath, 'unit', 0o644);
    root.write(keyPath, '{"type":"serviceaccount","keyId":"39","key":"-----\\n","userId":"40"}', 0o640);
    root.write('/etc/subuid', 'fleet-agent:100000:65536\n');
    root.write('/etc/subgid', 'fleet-agent:100000:65536\n');
    root.write('/var/lib/systemd/linger/fleet-agent', '');
    root.write(restartMarkPath, '');
    root.write(`/run/user/${uid}/bus`, '');
    root.write(`/run/user/${uid}/podman/podman.sock`, '');
    root.link('/var/lib/fleet-agent/.config/systemd/user/sockets.target.wants/podman.socket', '/dev/null');
    root.link('/etc/systemd/system/multi-user.target.wants/fleet-agent.service', unitPath);
    chmodSync(root.on(configDirectory), 0o750);
    const command = lookAsRootCommand(NONCE, 'root');
    expect(factsOf(look({}, command))).toMatchObject({
      ...{ binarySha256: sha256('binary'), configSha256: sha256('config'), unitSha256: sha256('unit') },
      configDirectoryRight: true,
      key: { keyId: '39', userId: '40', protectedRight: true },
      missingPackages: [],
      agentUser: agentUserFacts(true),
      unit: unitFacts({ needsRestart: true }),
    });
    // What is enabled need not live.
    rmSync(root.on(`/run/user/${uid}/podman/podman.sock`));
    expect(factsOf(look({}, command)).agentUser).toMatchObject({
      ...{ podmanSocketEnabled: true, podmanSocketListens: false, managerRunning: true },
    });
    rmSync(root.on(`/run/user/${uid}/bus`));
    expect(factsOf(look({}, command)).agentUser).toMatchObject({ lingering: true, managerRunning: false });
    root.write('/etc/subgid', 'fleet-agent:100000:1000\n');
    expect(factsOf(look({}, command)).agentUser.hasSubordinateIds).toBe(false);
  });

  it('follows no link, and says what stands in the way', () => {
    root.write('/home/pi/key.json', '{"keyId":"39","key":"canary-private","userId":"40"}', 0o640);
    root.write('/home/pi/agent', 'somebody else’s', 0o755);
    root.link(keyPath, root.on('/home/pi/key.json'));
    root.link(binaryPath, root.on('/home/pi/agent'));
    mkdirSync(root.on(unitPath));
    chmodSync(root.on('/usr/local'), 0o777);
    const { stdout } = runShell(lookCommand(NONCE).script, { env: root.env });
    expect(stdout).not.toContain('key-id');
    expect(stdout).not.toContain(sha256('somebody else’s'));
    const facts = factsOf(parseLook(stdout, NONCE, 'pi', Date.now() / 1000));
    expect([facts.key, facts.binarySha256, facts.unitSha256]).toEqual([undefined, undefined, undefined]);
    expect(facts.obstacles.map(({ path, problem }) => `${path} ${problem}`)).toEqual([
      ...['/usr/local can be written to by everybody', `${unitPath} is a directory`],
    ]);
    root.link(`${configDirectory}.of-pi`, root.on('/home/pi'));
    renameSync(root.on(configDirectory), root.on('/away'));
    renameSync(root.on(`${configDirectory}.of-pi`), root.on(configDirectory));
    expect(factsOf(look()).obstacles).toContainEqual({
      ...{ path: configDirectory, problem: 'is a symbolic link, not a directory' },
    });
  });

  it('finds the drop-ins that would run something else, and no others', () => {
    const folder = 'systemd/system/fleet-agent.service.d';
    const dropIns = () => factsOf(look()).unit.hasForeignDropIns;
    root.write(`/etc/${folder}/limits.conf`, '[Service]\nMemoryMax=100M\n# User=x\n');
    root.write(`/etc/${folder}/user.conf.before`, '[Service]\nUser=root\n');
    expect(dropIns()).toBe(false);
    root.write(`/usr/lib/${folder}/exec.conf`, '[Service]\nExecStart=\n  ExecStart = /opt/old\n');
    expect(dropIns()).toBe(true);
    root.link(`/etc/${folder}/exec.conf`, '/dev/null');
    expect(dropIns()).toBe(false);
    root.write(`/run/${folder}/now.conf`, '[Service]\nUser=root\n');
    expect(dropIns()).toBe(true);
  });

  it('tells the room of every place also where df trips over one of them', () => {
    const all = factsOf(look()).places;
    root.standIn(
      'df',
      '[ $# = 2 ] && exec /bin/df "$@"; /bin/df -Pk "$3"; echo "df: stale file handle" >&2; exit 1',
    );
    expect(mountsOf(factsOf(look()).places)).toEqual(mountsOf(all));
  });

  it('does not wait for what is no file where one should be', () => {
    execFileSync('mkfifo', [root.on('/etc/machine-id')]);
    mkdirSync(root.on('/etc/fleet-agent/enrollment-epoch'), { recursive: true });
    expect(factsOf(look())).toMatchObject({ machineId: undefined, epoch: 0 });
  });

  it('starts few programs: each costs a small board milliseconds', () => {
    const programs = ['awk', 'cat', 'cut', 'date', 'df', 'head', 'sed', 'sha256sum', 'stat', 'tr', 'uname'];
    for (const name of programs) root.standIn(name, `PATH=/usr/bin:/bin exec ${name} "$@"`);
    look();
    expect(root.calls().length).toBeLessThanOrEqual(14);
  });

  it('sees a first boot that is not over, and a restart that is due', () => {
    root.write('/run/cloud-init/status.json', '{}');
    root.write('/run/reboot-required', '');
    expect(factsOf(look())).toMatchObject({ firstBootRunning: true, rebootRequired: true });
    root.write('/run/cloud-init/result.json', '{}');
    expect(factsOf(look())).toMatchObject({ firstBootRunning: false });
  });

  it.each(['/bin/dash', '/bin/bash'].filter((shell) => existsSync(shell)))(
    'needs no temporary folder, in %s',
    (shell) => {
      root.standIn('sudo', 'shift; FAKE_UID=0 exec "$@"');
      const env = { ...root.env, FAKE_UID: '1000', TMPDIR: '/nowhere' };
      const script = `mktemp() { exit 9; }\n${lookCommand(NONCE).script}`;
      const { stdout, stderr } = runShell(script, { env, shell });
      expect(stderr).not.toMatch(/temp/i);
      expect(parseLook(stdout, NONCE, 'pi', 0)).toMatchObject({ facts: { elevation: 'sudo' } });
    },
  );

  it('does not count a file whose mode is wrong, and never prints the private key', () => {
    const { uid, gid } = userInfo();
    root.standIn('id', `case $1 in -g) echo ${gid} ;; *) echo ${uid} ;; esac`);
    root.standIn('getent', `echo 'fleet-agent:x:${uid}:${gid}'`);
    root.write(binaryPath, 'binary', 0o777);
    root.write(unitPath, 'unit', 0o664);
    root.write(configPath, 'config', 0o666);
    root.write(keyPath, '{"keyId":"39","key":"canary-private","userId":"40"}', 0o644);
    const { stdout } = runShell(lookAsRootCommand(NONCE, 'root').script, { env: root.env });
    const facts = factsOf(parseLook(stdout, NONCE, 'pi', Date.now() / 1000));
    expect(facts).toMatchObject({
      ...{ binarySha256: undefined, configSha256: undefined, unitSha256: undefined },
      ...{ key: { keyId: '39', userId: '40', protectedRight: false }, configDirectoryRight: false },
    });
    expect(stdout).not.toContain('canary');
  });

  it('cannot be fooled by what stands in the device’s files', () => {
    const forged = `x\n@${NONCE} elevation root\n@${NONCE} binary ${'0'.repeat(64)}\x1b[2J`;
    root.write('/etc/machine-id', forged);
    root.write('/sys/firmware/devicetree/base/model', `Board $(touch ${root.path}/owned) \`id\` \u202e\0`);
    const facts = factsOf(look());
    expect(facts.binarySha256).toBeUndefined();
    expect(facts.model).toBe(`Board $(touch ${root.path}/owned) \`id\` \\u{202e}`);
    expect(facts.machineId).not.toContain('\x1b');
  });
});

function mountsOf(places: DeviceFacts['places']): unknown[] {
  return Object.entries(places).map(([name, { mount, writable }]) => [name, mount, writable]);
}

describe('the way to root', () => {
  it('is said to be missing where there is no sudo', () => {
    // Only the stand-ins and what the script itself needs: no sudo anywhere.
    const { stdout } = runShell(
      lookCommand(NONCE).script.replaceAll('command -v sudo', 'command -v no-sudo-here'),
      {
        env: { ...root.env, FAKE_UID: '1000' },
      },
    );
    expect(parseLook(stdout, NONCE, 'pi', 0)).toEqual({ kind: 'no-root', elevation: 'none' });
  });

  it('is a password where sudo asks for one', () => {
    root.standIn('sudo', 'echo "sudo: a password is required" >&2; exit 1');
    expect(look({ FAKE_UID: '1000' })).toEqual({ kind: 'no-root', elevation: 'sudo-password' });
  });

  it('is taken at once where sudo asks for nothing', () => {
    root.standIn('sudo', 'shift; FAKE_UID=0 exec "$@"');
    const facts = factsOf(look({ FAKE_UID: '1000' }));
    expect(facts).toMatchObject({ elevation: 'sudo', osId: 'debian' });
    expect(root.calls().filter((call) => call.startsWith('sudo'))).toHaveLength(2);
  });
});

import { chmodSync } from 'node:fs';
import { userInfo } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceFacts } from '../model/facts.ts';
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
  root.standIn('dpkg-query', 'exit 1');
  root.standIn('dpkg', 'echo arm64');
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
    const facts = factsOf(look());
    expect(facts).toMatchObject({
      ...{ osId: 'debian', osVersion: '12', osName: 'Debian GNU/Linux 12 (bookworm)' },
      ...{ architecture: 'aarch64', elevation: 'root', loginUser: 'pi' },
      missingPackages: [...requiredPackages],
      agentUser: { exists: false, lingering: false, podmanSocketEnabled: false, hasSubordinateIds: false },
      unit: { enabled: false, active: false, needsRestart: false },
    });
    expect(facts.key).toBeUndefined();
    expect(facts.binarySha256).toBeUndefined();
    expect(facts.freeBytes).toBeGreaterThan(0);
    expect(Math.abs(facts.clockOffsetSeconds)).toBeLessThan(3);
  });

  it('finds all that an enrollment puts there', () => {
    const { uid, gid } = userInfo();
    root.standIn('id', `case $1 in -g) echo ${gid} ;; *) echo ${uid} ;; esac`);
    root.standIn('systemctl', 'case $1 in is-enabled) echo enabled ;; is-active) echo active ;; esac');
    root.standIn('dpkg-query', 'printf "install ok installed"');
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
    chmodSync(root.on(configDirectory), 0o750);
    const command = lookAsRootCommand(NONCE, 'root');
    expect(factsOf(look({}, command))).toMatchObject({
      ...{ binarySha256: sha256('binary'), configSha256: sha256('config'), unitSha256: sha256('unit') },
      configDirectoryRight: true,
      key: { keyId: '39', userId: '40', protectedRight: true },
      missingPackages: [],
      agentUser: { exists: true, lingering: true, podmanSocketEnabled: false, hasSubordinateIds: true },
      unit: { enabled: true, active: true, needsRestart: true },
    });
  });

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

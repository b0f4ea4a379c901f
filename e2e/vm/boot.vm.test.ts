import fs from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { localImage } from './local-image.ts';
import { type RunningVm, startVm, traceOf } from './running-vm.ts';
import { hostAddress } from './with-host-address.ts';

const deviceId = 'bench-arm';
const twoDaysMs = 2 * 24 * 3_600_000;

/**
 * A real boot: UEFI, boot loader, kernel, systemd and cloud-init of Debian for 64-bit ARM. Then the engine enrolls it,
 * with everything real but the identity provider. `MUSTER_VM_IMAGE` names another image, e.g. Debian's own.
 */
describe('npm run vm', () => {
  const signal = AbortSignal.timeout(1_700_000);
  let cache: string;
  let image: string;
  let imageBefore: string;
  let vm: RunningVm;
  let fixture: LabFixture;

  beforeAll(async () => {
    image = process.env.MUSTER_VM_IMAGE ?? (await localImage());
    imageBefore = traceOf(image);
    cache = await mkdtemp(path.join(os.tmpdir(), 'muster-vm-'));
    // A clock that is wrong from the first instruction on, which no container can have.
    const clock = new Date(Date.now() + twoDaysMs).toISOString().slice(0, 19);
    vm = await startVm(['--image', image, '--name', deviceId, '--clock', clock], cache);
    process.stdout.write(`SSH answered after ${vm.secondsUntilUp} s\n`);
    fixture = await startLabFixture([], { host: hostAddress, heartbeatLimitSeconds: 240 });
    const profile = parse(await readFile(fixture.lab.profilePath, 'utf8'));
    await writeFile(
      fixture.lab.profilePath,
      stringify({
        ...profile,
        ssh: { user: 'pi', private_key_file: vm.privateKeyFile },
        bench: [{ device_id: deviceId, target: vm.target }],
      }),
    );
    await fixture.restart();
    await fixture.station.signIn(signal);
  }, 1_500_000);
  afterAll(async () => {
    await fixture?.stop();
    await vm?.end('SIGKILL');
    if (cache) await rm(cache, { recursive: true, force: true });
  });

  const inside = async (command: string): Promise<string> => (await vm.ssh(command)).stdout.trim();

  test('boots to a login with the printed line, and the host key is the one that was given', async () => {
    const { code, stdout, stderr } = await vm.ssh('uname -m; hostname; id -un; sudo -n id -u');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(['aarch64', deviceId, 'pi', '0']);
  });

  test('cloud-init has read the seed without a complaint, and the disk has grown', async () => {
    expect(await inside('cloud-init status')).toBe('status: done');
    expect(await inside('ls /etc/ssh/ssh_host_*_key')).toBe('/etc/ssh/ssh_host_ed25519_key');
    expect(Number(await inside('df --output=size -B1G / | tail -1'))).toBeGreaterThan(6);
  });

  test('no password logs in', async () => {
    const { code, stderr } = await vm.ssh('true', ['-o', 'PubkeyAuthentication=no']);
    expect(code).toBe(255);
    expect(stderr).toContain('Permission denied (publickey)');
    expect(await inside('sudo grep -c "^[^:]*:[$]" /etc/shadow')).toBe('0');
  });

  test('a clock that is two days ahead is named, and nothing is changed', async () => {
    await fixture.station.enrollAll();
    const row = fixture.row(deviceId);
    expect(row.error?.code).toBe('DEVICE_CLOCK_OFF');
    expect(
      await inside('id fleet-agent 2>&1 | tail -1; ls /etc/fleet-agent /usr/local/bin 2>/dev/null'),
    ).toContain('no such user');
    expect(await inside('test -e /etc/fleet-agent || echo nothing')).toBe('nothing');
  }, 300_000);

  test('with the right time it is enrolled, and its agent reports', async () => {
    await inside(`sudo date -u -s @${Math.round(Date.now() / 1_000)}`);
    await fixture.station.enrollAll();
    const row = fixture.row(deviceId);
    const log =
      row.state === 'enrolled' ? '' : await inside('journalctl -u fleet-agent -n 20 --no-pager -o cat');
    expect(row.error, `${JSON.stringify(row.error)}\n${log}`).toBeUndefined();
    expect(row.state).toBe('enrolled');
    expect(row.facts).toMatchObject({
      architecture: 'aarch64',
      system: expect.stringContaining('Debian GNU/Linux'),
    });
    expect(await inside('systemctl is-enabled fleet-agent; systemctl is-active fleet-agent')).toBe(
      'enabled\nactive',
    );
    expect(fixture.station.state.fleet[deviceId]).toMatchObject({ deviceId, keyId: expect.any(String) });
  }, 600_000);

  test('is shut down by a signal, in order, and its image was not written to', async () => {
    expect(await vm.end('SIGTERM')).toBe(0);
    expect(vm.output()).toMatch(/is down after \d+ s/);
    expect(fs.readFileSync(vm.consoleFile, 'latin1')).toMatch(/reboot: Power down/);
    expect(traceOf(image)).toBe(imageBefore);
  }, 200_000);
});

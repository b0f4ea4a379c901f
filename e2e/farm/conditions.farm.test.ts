import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { patienceMs } from './commands.ts';
import { conditionNames, conditions } from './conditions/index.ts';
import { type ConditionName, type FarmDevice, farmAvailable, type Suite, startFarmDevice } from './farm.ts';
import { ssh } from './ssh-command.ts';

/** The conditions that the tests below show. */
const shown = new Set<ConditionName>();

/** Every condition, shown from the outside: a device that is only said to be awkward proves nothing. */
describe.skipIf(!farmAvailable().ok).concurrent('the condition', () => {
  /** A test on a device in these conditions. */
  function shows(
    names: readonly ConditionName[],
    suite: Suite,
    title: string,
    body: (device: FarmDevice) => Promise<void>,
  ): void {
    for (const name of names) shown.add(name);
    test(`${names.join(' and ')} ${title}`, async () => {
      const device = await startFarmDevice({ name: `is-${names[0]}`, suite, conditions: names });
      try {
        await body(device);
      } finally {
        await device.stop();
      }
    });
  }

  /** ssh with nothing but a password, given the way ssh asks a program for it. */
  const sshByPassword = (device: FarmDevice, method: string) => {
    const askpass = path.join(mkdtempSync(path.join(tmpdir(), 'muster-askpass-')), 'askpass');
    writeFileSync(askpass, `#!/bin/sh\necho '${device.password}'\n`, { mode: 0o700 });
    const options = ['-o', 'BatchMode=no', '-o', `PreferredAuthentications=${method}`];
    const env = { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
    return ssh(device, 'id -un', { env, options });
  };

  shows(['sudo-password'], 'bookworm', 'asks, and takes the password', async (device) => {
    expect((await ssh(device, 'sudo -n true')).stderr).toContain('a password is required');
    const asked = await ssh(device, 'sudo -S -p "" id -u', { stdin: `${device.password}\n` });
    expect(asked).toMatchObject({ code: 0, stdout: '0\n' });
  });

  shows(['sudo-denied'], 'trixie', 'refuses even with the password', async (device) => {
    const asked = await ssh(device, 'sudo -S -p "" id -u', { stdin: `${device.password}\n` });
    expect(asked.code).not.toBe(0);
    expect(asked.stderr).toMatch(/not in the sudoers file|may not run sudo/);
  });

  shows(['root-login', 'port-2222'], 'trixie', 'lead to root at that port', async (device) => {
    expect(device).toMatchObject({ user: 'root', sshPort: 2222 });
    expect((await ssh(device, 'id -u')).stdout).toBe('0\n');
    expect((await device.exec('ss -Hltn sport = :22')).stdout).toBe('');
  });

  shows(['password-login'], 'bookworm', 'takes the password and no key', async (device) => {
    expect((await ssh(device, 'true')).stderr).toContain('Permission denied (password)');
    expect((await sshByPassword(device, 'password')).stdout).toBe('pi\n');
  });

  shows(['keyboard-interactive'], 'trixie', 'asks by that method only', async (device) => {
    expect((await ssh(device, 'true')).stderr).toContain('Permission denied (keyboard-interactive)');
    expect((await sshByPassword(device, 'keyboard-interactive')).stdout).toBe('pi\n');
  });

  shows(['noisy-shell'], 'bookworm', 'prints around everything', async (device) => {
    const said = await ssh(device, 'echo wanted', { options: ['-o', 'LogLevel=INFO'] });
    expect(said.stdout).toMatch(/^Welcome to this device.*[\s\S]*\nwanted\n$/);
    expect(said.stderr).toContain('could not set locale');
    expect(said.stderr).toContain('Authorised staff only');
  });

  shows(['fish-shell'], 'bookworm', 'is what a command meets', async (device) => {
    expect((await ssh(device, 'set x 1; echo $version $x')).stdout).toMatch(/^\d+\.\d+\.\d+ 1\n$/);
  });

  shows(['tcsh-shell'], 'trixie', 'is what a command meets', async (device) => {
    expect((await ssh(device, 'set x = 1; echo $tcsh $x')).stdout).toMatch(/^\d+\.\d+\.\d+ 1\n$/);
  });

  shows(['apt-locked'], 'bookworm', 'holds the locks that apt waits for, then lets go', async (device) => {
    const refused = await ssh(device, 'sudo apt-get -o DPkg::Lock::Timeout=0 install -y uidmap');
    expect(refused.stderr).toMatch(/Could not get lock \/var\/lib\/dpkg\/lock-frontend.*unattended-upgr/);
    await device.exec('systemctl stop apt-lock');
    expect((await ssh(device, 'sudo apt-get -o DPkg::Lock::Timeout=0 install -y uidmap')).code).toBe(0);
  });

  shows(['no-apt-lists'], 'trixie', 'finds no package until it updates', async (device) => {
    expect((await ssh(device, 'sudo apt-get install -y uidmap')).stderr).toContain(
      'Unable to locate package',
    );
    expect((await ssh(device, 'sudo apt-get update && sudo apt-get install -y uidmap')).code).toBe(0);
  });

  shows(['half-configured'], 'bookworm', 'stops apt until dpkg is told to go on', async (device) => {
    expect((await ssh(device, 'sudo apt-get install -y slirp4netns')).stderr).toContain(
      'dpkg was interrupted',
    );
    const mended = await ssh(device, 'sudo dpkg --configure -a && sudo apt-get install -y slirp4netns');
    expect(mended.code).toBe(0);
    expect((await device.exec('dpkg -l uidmap | tail -n 1')).stdout).toMatch(/^ii /);
  });

  shows(['python'], 'bookworm', 'is there', async (device) => {
    expect((await ssh(device, 'python3 -c "print(1 + 1)"')).stdout).toBe('2\n');
  });

  shows(['disk-full', 'noexec-tmp'], 'trixie', 'take no big file and run nothing', async (device) => {
    const big = await device.exec('head -c 2M /dev/zero > /usr/local/bin/big');
    expect(big.stderr).toContain('No space left on device');
    for (const folder of ['/tmp', '/var/tmp', '/dev/shm']) {
      const script = `${folder}/x`;
      const ran = await ssh(device, `printf '#!/bin/sh\\n' > ${script}; chmod 755 ${script}; ${script}`);
      expect(ran.stderr, folder).toMatch(/Permission denied/);
    }
  });

  shows(['read-only-root'], 'bookworm', 'takes no file, also after a reboot', async (device) => {
    expect((await ssh(device, 'sudo touch /etc/x')).stderr).toContain('Read-only file system');
    expect((await ssh(device, 'touch /tmp/x')).code).toBe(0);
    await device.reboot();
    expect((await ssh(device, 'sudo touch /usr/local/bin/x')).stderr).toContain('Read-only file system');
  });

  shows(['old-generation'], 'bookworm', 'is at work', async (device) => {
    const look = `systemctl is-active fleet-agent; systemctl is-enabled fleet-agent
getent passwd fleet-agent | cut -d: -f6,7; stat -c '%a %U' /etc/fleet-agent/zitadel-key.json
systemctl show fleet-agent -p DropInPaths --value`;
    expect((await device.exec(look)).stdout).toBe(
      'active\nenabled\n/opt/fleet:/bin/bash\n644 root\n/etc/systemd/system/fleet-agent.service.d/10-site.conf\n',
    );
  });

  shows(['raspberry-pi', 'armv7'], 'bookworm', 'show their marks, also after a reboot', async (device) => {
    await device.reboot();
    const look = `tr -d '\\0' < /sys/firmware/devicetree/base/model; echo
grep -c '^Serial' /proc/cpuinfo; head -n 1 /etc/rpi-issue; uname -m; uname -s; dpkg --print-architecture; dpkg-query -W -f='\${Package} \${Architecture}\\n' dpkg`;
    expect((await ssh(device, look)).stdout).toBe(
      'Raspberry Pi 4 Model B Rev 1.5\n1\nRaspberry Pi reference 2025-05-13\narmv7l\nLinux\narmhf\ndpkg armhf\n',
    );
  });

  shows(['clock-off'], 'bookworm', 'is three days back until root sets it', async (device) => {
    const offset = async () => Number((await ssh(device, 'sudo date +%s')).stdout) - Date.now() / 1_000;
    // As long as the question may take.
    const about = patienceMs / 1_000;
    expect(Math.abs((await offset()) + 259_200)).toBeLessThan(about);
    expect((await ssh(device, 'date -s @0')).stderr).toContain('Operation not permitted');
    expect(Math.abs((await offset()) + 259_200)).toBeLessThan(about);
    await ssh(device, `sudo date -u -s @${Math.round(Date.now() / 1_000)}`);
    expect(Math.abs(await offset())).toBeLessThan(about);
    expect(conditions['clock-off'].about).toContain('STAND-IN');
  });

  shows(['slow-link'], 'bookworm', 'takes its time', async (device) => {
    expect(await connectMs(device)).toBeGreaterThanOrEqual(80);
    const startedAt = performance.now();
    const sent = await ssh(device, 'cat > /dev/null', { stdin: 'x'.repeat(500_000) });
    expect(sent).toMatchObject({ code: 0, stderr: '' });
    expect(performance.now() - startedAt).toBeGreaterThan(2_000);
  });

  shows(['flaky-link'], 'trixie', 'loses frames', async (device) => {
    // A lost packet of a connection's beginning is sent again after a second.
    const giveUpAt = performance.now() + 30_000;
    let longestMs = 0;
    while (longestMs < 900 && performance.now() < giveUpAt) {
      longestMs = Math.max(longestMs, await connectMs(device));
    }
    expect(longestMs).toBeGreaterThan(900);
  });

  test('list has no member that is not shown here', () => {
    expect([...shown].sort()).toEqual([...conditionNames].sort());
  });
});

/** Milliseconds until the SSH server's port has answered. */
function connectMs(device: FarmDevice): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const socket = connect(device.sshPort, device.address, () => {
      socket.destroy();
      resolve(performance.now() - startedAt);
    });
    socket.once('error', reject);
  });
}

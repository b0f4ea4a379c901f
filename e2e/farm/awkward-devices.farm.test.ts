import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AwkwardBatch, enrollAwkward } from './awkward-batch.ts';
import { lookAt } from './device-look.ts';
import { farmAvailable } from './farm.ts';

const oldAgent = `printf '#!/bin/sh\\nwhile :; do sleep 5; done\\n' > /opt/old-agent; chmod 755 /opt/old-agent`;
const oldUnit = (user: string): string =>
  `printf '[Service]\\nUser=${user}\\nExecStart=/opt/old-agent\\n[Install]\\nWantedBy=multi-user.target\\n'`;

/** Everything but the package system, which every one of these has in order. */
const devices = {
  'disk-full': { packages: 'installed', conditions: ['disk-full'] },
  'read-only': { packages: 'installed', conditions: ['read-only-root'] },
  'clock-off': { packages: 'installed', conditions: ['clock-off'] },
  'old-agent': { packages: 'installed', conditions: ['old-generation'] },
  'in-fish': { packages: 'installed', conditions: ['fish-shell', 'noisy-shell'] },
  'in-tcsh': { packages: 'installed', suite: 'trixie', conditions: ['tcsh-shell'] },
  'arm-32': { packages: 'installed', conditions: ['armv7'] },
  'in-the-way': {
    packages: 'installed',
    before: `mkdir /usr/local/bin/fleet-agent; ${oldAgent}
${oldUnit('root')} > /etc/systemd/system/fleet-agent.service; systemctl daemon-reload; systemctl enable --now fleet-agent`,
  },
  // What a local attacker or a hand-made set-up leaves: names of ours that are links to files of others.
  links: {
    packages: 'installed',
    before: `mkdir -m 0777 /etc/fleet-agent
for f in key config binary epoch mark; do echo theirs > /home/pi/$f; chmod 600 /home/pi/$f; done
ln -s /home/pi/key /etc/fleet-agent/zitadel-key.json; ln -s /home/pi/config /etc/fleet-agent/config.toml
ln -s /home/pi/mark /etc/fleet-agent/.restart-needed; ln -s /home/pi/epoch /etc/fleet-agent/enrollment-epoch.new
ln -s /home/pi/binary /usr/local/bin/fleet-agent; ln -s /dev/null /etc/systemd/system/fleet-agent.service
chown pi /etc/fleet-agent`,
  },
  overridden: {
    packages: 'installed',
    before: `${oldAgent}; d=systemd/system/fleet-agent.service
${oldUnit('root')} > /usr/lib/$d; mkdir -p /etc/$d.d /usr/lib/$d.d
printf '[Service]\\nUser=root\\n' > /etc/$d.d/user.conf
printf '[Service]\\nExecStart=\\nExecStart=/opt/old-agent\\n' > /usr/lib/$d.d/exec.conf
printf '[Service]\\nNice=5\\n' > /etc/$d.d/nice.conf
systemctl daemon-reload; systemctl start fleet-agent`,
  },
  'odd-user': {
    packages: 'installed',
    before: `${oldAgent}; groupadd --system fleet-agent
useradd --system --gid nogroup --home-dir /nonexistent --shell /bin/bash fleet-agent
${oldUnit('fleet-agent')} > /etc/systemd/system/fleet-agent.service
systemctl daemon-reload; systemctl enable --now fleet-agent; loginctl enable-linger fleet-agent`,
  },
  'first-boot': {
    packages: 'installed',
    before: `mkdir -p /run/cloud-init; echo '{}' > /run/cloud-init/status.json; touch /run/reboot-required`,
    onceShown: { text: 'waits for cloud-init', run: 'echo {} > /run/cloud-init/result.json' },
  },
  // A name and a system with escapes, with what the device's side leaves of them (the C1 form of an escape, a mark that
  // turns text round), and with a line like one of a look.
  hostile: {
    packages: 'installed',
    before: `cat > /usr/local/bin/uname <<'END'
#!/bin/sh
case "$*" in
  -nm)
    echo asked >> /run/uname-asked
    printf '<img/src=x/onerror=alert(1)>\\033]0;owned\\007\\302\\2330m\\342\\200\\256 x86_64\\n@0000000000000000 elevation root\\n'
    ;;
  *) exec /bin/uname "$@" ;;
esac
END
chmod 755 /usr/local/bin/uname
printf 'PRETTY_NAME="<b>Debian\\033[2J\\302\\2332J 12</b>"\\n' | cat /etc/os-release - > /run/os; cat /run/os > /etc/os-release`,
  },
} as const;

describe.skipIf(!farmAvailable().ok)('a real Debian', () => {
  let batch: AwkwardBatch<keyof typeof devices>;

  beforeAll(async () => {
    batch = await enrollAwkward(devices, AbortSignal.timeout(900_000));
  }, 900_000);
  afterAll(() => batch?.stop(), 300_000);

  test('without space is refused before anything is changed', async () => {
    await batch.expectRefused('disk-full', 'DEVICE_DISK_FULL');
    expect(batch.row('disk-full').error?.says).toContain('/usr/local/bin');
    expect(await batch.inside('disk-full', 'getent passwd fleet-agent; ls -d /etc/fleet-agent')).toBe('');
  });

  test('that cannot be written to is refused before a machine user is made', async () => {
    await batch.expectRefused('read-only', 'DEVICE_READ_ONLY');
    expect(batch.row('read-only').error?.stepId).toBe('connect');
    const users = batch.fixture.lab.identity.inspect().users.map(({ userName }) => userName);
    expect(users).not.toContain('device-read-only');
  });

  test('whose clock is off is told so, and enrolled once the operator has it set', async () => {
    await batch.expectRefused('clock-off', 'DEVICE_CLOCK_OFF');
    const { station } = batch.fixture.station;
    await station.handle('batch.retry', { deviceIds: ['clock-off'], setClock: true });
    await station.whenBatchIdle();
    await batch.expectEnrolled('clock-off');
    const offset = await batch.inside('clock-off', 'echo $(($(date +%s) - $(/bin/date +%s)))');
    expect(Math.abs(Number(offset))).toBeLessThan(60);
  }, 400_000);

  test('with an agent of an older generation gets the new one, and keeps a home that is its own', async () => {
    await batch.expectEnrolled('old-agent');
    expect(await batch.inside('old-agent', 'getent passwd fleet-agent | cut -d: -f6')).toBe('/opt/fleet');
    expect(await batch.inside('old-agent', 'stat -c "%U:%G %a" /etc/fleet-agent')).toBe(
      'root:fleet-agent 750',
    );
    expect(await batch.inside('old-agent', 'systemctl show fleet-agent -p Nice --value')).toBe('5');
  });

  test('with fish, with tcsh and with rc files that print is enrolled like any other', async () => {
    await batch.expectEnrolled('in-fish');
    await batch.expectEnrolled('in-tcsh');
    expect(batch.row('in-tcsh').roundTrips).toBeLessThanOrEqual(5);
  });

  test('of 32 bits on a 64-bit kernel gets the binary of its packages', async () => {
    expect(batch.row('arm-32').facts?.architecture).toBe('armv7');
    // e_machine of the ELF header: 40 is ARM. This computer cannot run it, and the error says so.
    expect(await batch.inside('arm-32', 'od -An -tu1 -j18 -N1 /usr/local/bin/fleet-agent')).toBe('40');
    expect(batch.row('arm-32').error).toMatchObject({
      ...{ code: 'AGENT_STOPS', evidence: expect.stringContaining('Exec format error') },
    });
  });

  test('with a directory in the place of the binary is refused, and its old agent goes on', async () => {
    await batch.expectRefused('in-the-way', 'DEVICE_OBSTRUCTED');
    expect(batch.row('in-the-way').error?.says).toBe('/usr/local/bin/fleet-agent is a directory.');
    expect(
      await batch.inside('in-the-way', 'systemctl is-active fleet-agent; ls -A /usr/local/bin/fleet-agent'),
    ).toBe('active');
  });

  test('with links in our places is enrolled, and no file of others is touched', async () => {
    await batch.expectEnrolled('links');
    const theirs =
      'cd /home/pi; cat key config binary epoch mark; stat -c "%U %a" key config binary epoch mark';
    expect(await batch.inside('links', theirs)).toBe(
      [...Array(5).fill('theirs'), ...Array(5).fill('root 600')].join('\n'),
    );
  });

  test('whose unit is overridden runs ours: what changes it is set aside, the rest counts', async () => {
    await batch.expectEnrolled('overridden');
    expect(await batch.inside('overridden', 'systemctl show fleet-agent -p Nice --value')).toBe('5');
    expect(
      await batch.inside('overridden', 'cat /etc/systemd/system/fleet-agent.service.d/user.conf.before'),
    ).toContain('User=root');
  });

  test('with an odd agent user gets its group and a home, and its socket lives there', async () => {
    await batch.expectEnrolled('odd-user');
    expect(
      await batch.inside('odd-user', 'id -gn fleet-agent; getent passwd fleet-agent | cut -d: -f6,7'),
    ).toBe('fleet-agent\n/var/lib/fleet-agent:/bin/bash');
  });

  test('at its first boot is waited for, saying so', async () => {
    await batch.expectEnrolled('first-boot');
    expect(batch.shown('first-boot').includes('waits for cloud-init')).toBe(true);
  });

  test('that lies about its name forges no fact and shows nothing but text', async () => {
    await batch.expectEnrolled('hostile');
    expect(await batch.inside('hostile', 'cat /run/uname-asked')).toContain('asked');
    expect(batch.row('hostile').facts?.system).toBe('<b>Debian[2J\\x9b2J 12</b>');
    // The window is not told the name: what the engine knows of it, a look tells. Its nonce is the one that was guessed.
    expect(await lookAt(batch.device('hostile'), '0'.repeat(16))).toMatchObject({
      facts: {
        hostname: '<img/src=x/onerror=alert(1)>]0;owned\\x9b0m\\u{202e}',
        ...{ elevation: 'sudo', machine: 'x86_64' },
      },
    });
    const published = batch.fixture.published();
    // JSON writes the first two as escapes, and the others as they are.
    for (const mark of ['\\u001b', '\\u0007', '\u009b', '\u202e'])
      expect(published.includes(mark), JSON.stringify(mark)).toBe(false);
  });

  test('whose user manager died, or whose socket is gone, is mended by the next run', async () => {
    await batch.inside('in-fish', 'systemctl stop user@$(id -u fleet-agent)');
    await batch.inside('in-tcsh', 'rm /run/user/$(id -u fleet-agent)/podman/podman.sock');
    const mainPid = 'systemctl show fleet-agent -p MainPID --value';
    const before = await batch.inside('in-tcsh', mainPid);
    await batch.fixture.station.enrollAll();
    for (const name of ['in-fish', 'in-tcsh'] as const) {
      await batch.expectEnrolled(name);
      const done = batch.row(name).steps.filter((step) => step.state === 'done');
      expect(done.map((step) => step.id)).toEqual(['check', 'connect', 'user', 'heartbeat']);
      expect(batch.row(name).roundTrips).toBeLessThanOrEqual(3);
    }
    expect(await batch.inside('in-tcsh', mainPid)).toBe(before);
    // All others are as they were: a second run finds them right.
    for (const name of ['old-agent', 'links', 'overridden', 'odd-user', 'hostile'] as const) {
      await batch.expectEnrolled(name);
      const done = batch.row(name).steps.filter((step) => step.state === 'done');
      expect(
        done.map((step) => step.id),
        name,
      ).toEqual(['check', 'connect', 'heartbeat']);
    }
  }, 600_000);
});

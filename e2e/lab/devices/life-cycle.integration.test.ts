import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Client } from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RehearsalDevice } from './model.ts';
import { START_TRIVIAL_AGENT } from './testing/agent-life.ts';
import { Bench, modesHere } from './testing/bench.ts';
import { runOn } from './testing/ssh-client.ts';
import { until } from './testing/until.ts';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return true;
};

/** True while the process runs; a zombie that nobody has collected yet does not. */
async function runs(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat === undefined || !/\) Z /.test(stat);
}

describe.each(await modesHere())('life of a rehearsal device, %s mode', (mode) => {
  const bench = new Bench();
  let device: RehearsalDevice;
  let client: Client;
  beforeAll(async () => {
    device = await bench.startOne({ mode });
    client = await bench.connect(device);
  });
  afterAll(() => bench.putAway());

  /** Runs a script as root, with $R before every device path; gives its output lines. */
  async function asRoot(script: string): Promise<string[]> {
    const ran = await runOn(client, 'sudo -n sh', `R="\${MUSTER_DEVICE_ROOT:-}"\nexec 2>&1\n${script}\n`);
    return ran.stdout.trimEnd().split('\n');
  }

  it('looks like a fresh Raspberry Pi', async () => {
    const look = await asRoot(
      'hostname; uname -sn; grep -c "^ID=debian" $R/etc/os-release; tr -d "\\0" <$R/sys/firmware/devicetree/base/model; echo; ' +
        'grep -c ^Serial $R/proc/cpuinfo; wc -c <$R/etc/machine-id; df -Pk "$R/usr/local" | tail -n 1 | wc -l; id -u; id -un; node -p 1',
    );
    const expected = [
      'bench-01',
      'Linux bench-01',
      '1',
      expect.stringMatching(/^Raspberry Pi \d/),
      '1',
      '33',
      '1',
      '0',
      'root',
      '1',
    ];
    expect(look.map((line) => line.trim())).toEqual(expected);
  });

  it('gives the login user root only through sudo', async () => {
    expect((await runOn(client, 'PATH="$PATH:/usr/sbin"; useradd x')).stderr).toMatch(/Permission denied/);
    expect(await asRoot('id -un; echo "$SUDO_USER"; env | grep -c ^SSH_; pwd')).toEqual([
      'root',
      'pi',
      '0',
      expect.stringMatching(/home\/pi$/),
    ]);
  });

  it('installs packages once, and dpkg-query knows them', async () => {
    const ask = `dpkg-query -W -f='\${binary:Package} \${db:Status-Status}\\n' systemd podman; echo $?`;
    expect(await asRoot(ask)).toEqual([
      'systemd installed',
      'dpkg-query: no packages found matching podman',
      '1',
    ]);
    const install =
      'DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=1 -o Dpkg::Options::=--force-confold install podman systemd-container; echo $?';
    const first = await asRoot(install);
    expect(first).toContain('Setting up podman (4.3.1+ds1-8+deb12u1) ...');
    expect(first.some((line) => line.startsWith('Get:1 '))).toBe(true);
    expect(first.at(-1)).toBe('0');
    expect(await asRoot(ask)).toEqual(['systemd installed', 'podman installed', '0']);
    expect(await asRoot(install)).toContain('podman is already the newest version.');
    expect((await asRoot('apt-get install -y no-such-thing; echo $?')).slice(-2)).toEqual([
      'E: Unable to locate package no-such-thing',
      '100',
    ]);
  });

  it('adds the system user with subordinate ids, lingering, and its podman socket', async () => {
    const early = await asRoot(
      'systemctl --user --machine=fleet-agent@ enable --now podman.socket; echo $?; id fleet-agent; echo $?',
    );
    expect(early).toEqual([
      'Failed to connect to bus: No such file or directory',
      '1',
      expect.stringMatching(/no such user/),
      '1',
    ]);
    await asRoot(
      'useradd --system --create-home --home-dir /var/lib/fleet-agent --shell /usr/sbin/nologin fleet-agent',
    );
    expect(await asRoot('useradd --system fleet-agent; echo $?')).toEqual([
      "useradd: user 'fleet-agent' already exists",
      '9',
    ]);
    await asRoot('usermod --add-subuids 200000-265535 --add-subgids 200000-265535 fleet-agent');
    expect(
      await asRoot(
        'grep fleet $R/etc/subuid $R/etc/subgid | cut -d: -f2-; id -u fleet-agent; getent passwd fleet-agent | cut -d: -f6',
      ),
    ).toEqual(['fleet-agent:200000:65536', 'fleet-agent:200000:65536', '999', '/var/lib/fleet-agent']);
    expect(await asRoot('loginctl show-user fleet-agent -p Linger; echo $?')).toHaveLength(2);
    expect(
      await asRoot('loginctl enable-linger fleet-agent; loginctl show-user fleet-agent -p Linger'),
    ).toEqual(['Linger=yes']);
    await asRoot('systemctl --user --machine=fleet-agent@ enable --now podman.socket');
    expect(
      await asRoot(
        'systemctl --user -M fleet-agent@ is-active podman.socket; systemctl --user -M fleet-agent@ is-enabled podman.socket',
      ),
    ).toEqual(['active', 'enabled']);
    expect(await asRoot('runuser -u fleet-agent -- id -un')).toEqual(['fleet-agent']);
  });

  it('keeps owner and mode of a file through install, chown and rename', async () => {
    const look = `stat -c '%U:%G %a' $R/etc/fleet-agent/key`;
    await asRoot(
      'install -d -m 0755 $R/etc/fleet-agent; install -o fleet-agent -g root -m 0640 /dev/null $R/etc/fleet-agent/.key',
    );
    expect(await asRoot(`mv $R/etc/fleet-agent/.key $R/etc/fleet-agent/key; ${look}`)).toEqual([
      'fleet-agent:root 640',
    ]);
    expect(await asRoot(`chown root:fleet-agent $R/etc/fleet-agent/key; ${look}`)).toEqual([
      'root:fleet-agent 640',
    ]);
    expect((await readdir(join(device.root, 'etc/fleet-agent'))).sort()).toEqual(['key']);
  });

  it('really starts, restarts, revives and stops the installed binary', async () => {
    await asRoot(START_TRIVIAL_AGENT.replace(/^useradd.*$/m, ''));
    const show = async (): Promise<string[]> =>
      await asRoot('systemctl show -p MainPID,NRestarts,ActiveState --value fleet-agent');
    const said = async (): Promise<string[]> =>
      await asRoot('journalctl -u fleet-agent -n 50 --no-pager -o cat');
    await until('the agent has spoken', async () =>
      (await said()).some((line) => line.startsWith('agent runs')),
    );
    expect(await said()).toContain(
      'agent runs as fleet-agent greeting=hello arguments=--config /etc/fleet-agent/config.toml',
    );
    expect(await asRoot('systemctl is-active fleet-agent; systemctl is-enabled fleet-agent')).toEqual([
      'active',
      'enabled',
    ]);
    const [active, pid] = await show();
    expect(active).toBe('active');
    expect(
      (await device.processes()).some(({ command }) => command.includes('usr/local/bin/fleet-agent')),
    ).toBe(true);

    await asRoot(`kill -KILL ${pid}`);
    await until(
      'the agent was revived',
      async () => (await show()).join() !== ['active', pid, '0'].join() && (await show())[0] === 'active',
    );
    const [, revived, restarts] = await show();
    expect(revived).not.toBe(pid);
    expect(restarts).toBe('1');

    await asRoot('systemctl restart fleet-agent');
    expect((await show())[1]).not.toBe(revived);
    expect(await asRoot('systemctl stop fleet-agent; systemctl is-active fleet-agent; echo $?')).toEqual([
      'inactive',
      '3',
    ]);
    // What ran it is told to have ended an instant before it has.
    await until('nothing of it runs', async () =>
      (await device.processes()).every(({ command }) => !command.includes('fleet-agent')),
    );
    expect(await said()).toContain('bye');
  });

  it('uses a changed unit only after daemon-reload, and reports a missing binary as systemd does', async () => {
    await asRoot('systemctl start fleet-agent; echo "# changed" >>$R/etc/systemd/system/fleet-agent.service');
    expect(
      await asRoot(
        'systemctl show -P NeedDaemonReload fleet-agent; systemctl daemon-reload; systemctl show -P NeedDaemonReload fleet-agent',
      ),
    ).toEqual(['yes', 'no']);
    await asRoot(
      'systemctl stop fleet-agent; mv $R/usr/local/bin/fleet-agent $R/usr/local/bin/away; ' +
        "sed -i.old 's/^Restart=.*/Restart=no/' $R/etc/systemd/system/fleet-agent.service; systemctl daemon-reload; systemctl start fleet-agent",
    );
    expect(await asRoot('systemctl show --value -p ActiveState -p ExecMainStatus fleet-agent')).toEqual([
      'failed',
      '203',
    ]);
    expect(await asRoot('systemctl start nothing-here; echo $?')).toEqual([
      'Failed to start nothing-here.service: Unit nothing-here.service not found.',
      '5',
    ]);
  });

  it('leaves nothing behind after stop', async () => {
    const other = await bench.startOne({ mode });
    await runOn(await bench.connect(other), 'sudo -n sh', START_TRIVIAL_AGENT);
    const pids = (await other.processes()).map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    await other.stop();
    await other.stop();
    for (const pid of pids) await until(`process ${pid} has ended`, async () => !(await runs(pid)));
    expect(await other.processes()).toEqual([]);
    expect(existsSync(other.root)).toBe(false);
    await expect(bench.connect(other)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('ends with a killed lab, and the next start replaces what lies about', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rehearsal-killed-'));
    const script = fileURLToPath(new URL('./testing/lab-to-kill.ts', import.meta.url));
    const lab = spawn('node', ['--import', 'tsx', script, dir, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pids = await new Promise<number[]>((resolve, reject) => {
      createInterface({ input: lab.stdout }).once('line', (line) => resolve(JSON.parse(line) as number[]));
      lab.once('exit', (code) => reject(new Error(`the lab ended with ${code}`)));
    });
    expect(pids.length).toBeGreaterThanOrEqual(2);
    lab.kill('SIGKILL');
    for (const pid of pids) await until(`process ${pid} has ended`, async () => !(await runs(pid)));
    const again = await bench.startOne({ dir, mode });
    expect(existsSync(join(again.root, 'usr/local/bin/fleet-agent'))).toBe(false);
    await again.stop();
    await rm(dir, { recursive: true });
  });

  it('starts twelve devices side by side, each with its own name and key, and stops them on abort', async () => {
    const controller = new AbortController();
    const twelve = await bench.start({ mode, signal: controller.signal });
    expect(new Set(twelve.map(({ hostKeyFingerprint }) => hostKeyFingerprint)).size).toBe(12);
    const names = await Promise.all(
      twelve.map(async (each) => (await runOn(await bench.connect(each), 'hostname')).stdout.trim()),
    );
    expect(names).toEqual(twelve.map(({ name }) => name));
    controller.abort();
    await until('all roots are gone', () => twelve.every(({ root }) => !existsSync(root)));
  });

  it('goes on where it was when its folder is kept', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rehearsal-kept-'));
    const before = await bench.startOne({ mode, dir, keep: true });
    await runOn(await bench.connect(before), 'sudo -n sh -c \'echo here >"$MUSTER_DEVICE_ROOT/etc/kept"\'');
    await before.stop();
    const after = await bench.startOne({ mode, dir, keep: true });
    expect(after.hostKeyFingerprint).toBe(before.hostKeyFingerprint);
    expect(await readFile(join(after.root, 'etc/kept'), 'utf8')).toBe('here\n');
    await after.stop();
  });
});

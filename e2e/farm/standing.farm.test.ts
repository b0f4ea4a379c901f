import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { capture } from '../../scripts/setup/processes.mjs';
import { farmAvailable } from './farm.ts';
import type { StandingFarm } from './standing/standing-farm.ts';

/** The command line of a process; nothing once it has ended. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

/** The farm that stands in the background, started and ended by its command line, in a folder of this test. */
describe.skipIf(!farmAvailable().ok)('a standing farm', () => {
  const folder = path.join(mkdtempSync(path.join(tmpdir(), 'muster-standing-')), 'farm');
  const farm = (...args: readonly string[]) =>
    capture(
      process.execPath,
      ['--import', 'tsx', path.join(import.meta.dirname, 'standing/cli.ts'), ...args],
      {
        env: { ...process.env, MUSTER_FARM_FOLDER: folder },
        limitMs: 300_000,
      },
    );
  const state = (): StandingFarm => JSON.parse(readFileSync(path.join(folder, 'state.json'), 'utf8'));
  afterAll(() => farm('down'));

  /** Command lines of running processes that name a device of the farm. */
  const boots = (): readonly string[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => commandLine(pid).replaceAll('\0', ' '))
      .filter((line) => line.includes('--machine=farm-'));
  const groups = (run: number): readonly string[] =>
    ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified']
      .filter((place) => existsSync(place))
      .flatMap((place) => readdirSync(place))
      .filter((name) => name.startsWith(`muster-farm-${run}-`));

  test('is not there at first', async () => {
    expect((await farm('list')).stdout).toContain('No farm stands');
    expect(await farm('down')).toMatchObject({ code: 0, stdout: 'No farm stands.\n' });
    const shell = await farm('run', 'true');
    expect(shell.code).toBe(1);
    expect(shell.stderr).toContain('npm run farm -- up');
  });

  test('comes up, shows itself, and takes more devices', async () => {
    const up = await farm('up', '2', '--packages', 'installed', '--condition', 'noisy-shell');
    expect(up, up.stderr).toMatchObject({ code: 0 });
    const more = await farm('up', '1', '--suite', 'trixie', '--condition', 'port-2222');
    expect(more.stdout).toContain('The farm has 2 devices; adding 1.');
    const { devices } = state();
    expect(devices.map(({ name, suite, sshPort }) => [name, suite, sshPort])).toEqual([
      ['farm-01', 'bookworm', 22],
      ['farm-02', 'bookworm', 22],
      ['farm-03', 'trixie', 2222],
    ]);
    const list = (await farm('list')).stdout;
    for (const device of devices) {
      expect(list).toContain(device.address);
      expect(list).toContain(device.hostKeyFingerprint);
    }
  });

  test('lets one in, with the host key checked, and runs commands in its network', async () => {
    const look = await farm('shell', 'farm-03', 'hostname; sudo id -u');
    expect(look, look.stderr).toMatchObject({ code: 0, stdout: 'farm-03\n0\n' });
    expect((await farm('shell', 'farm-09')).stderr).toContain('farm-01, farm-02, farm-03');
    const [first] = state().devices;
    const scan = await farm('run', 'ssh-keyscan', '-t', 'ed25519', first?.address ?? '');
    expect(scan.stdout).toContain(first?.hostKey);
    expect((await farm('run', 'sh', '-c', 'exit 7')).code).toBe(7);
    expect((await farm('run', 'pwd')).stdout.trim()).toBe(process.cwd());
  });

  test('goes down without a trace, also twice', async () => {
    const { pid } = state();
    expect(groups(pid).length).toBeGreaterThan(0);
    expect((await farm('down')).stdout).toBe('The farm is down.\n');
    expect(boots()).toEqual([]);
    expect(groups(pid)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    expect((await farm('down')).stdout).toBe('No farm stands.\n');
  });

  test('leaves nothing either when what holds it is killed', async () => {
    await farm('up', '1');
    const { pid } = state();
    expect(boots()).toHaveLength(1);
    process.kill(pid, 'SIGKILL');
    await expect.poll(boots, { timeout: 120_000, interval: 100 }).toEqual([]);
    expect((await farm('list')).stdout).toContain('No farm stands');
    expect((await farm('down')).code).toBe(0);
    expect(groups(pid)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startQemu } from './qemu.ts';

/** Behaves as QEMU's monitor does: greets, wants to be greeted, and goes down when the button is pressed. */
const monitor = (heedsTheButton: boolean): string => `
  console.log(JSON.stringify({ QMP: {} }));
  let greeted = false;
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { execute } = JSON.parse(line);
    if (execute === 'qmp_capabilities') greeted = true;
    if (execute === 'system_powerdown' && greeted && ${heedsTheButton}) process.exit(0);
    console.log(JSON.stringify({ return: {} }));
  });
  process.stderr.write('started');
  setInterval(() => {}, 1000);`;

test('presses the button and waits until the system is down', async () => {
  const qemu = startQemu(['-e', monitor(true)], process.execPath);
  expect(await qemu.powerDown(50_000)).toBe(true);
  expect(isAlive(qemu.pid)).toBe(false);
  expect(await qemu.ended).toBe('started');
});

test('cuts the power of a system that does not heed it', async () => {
  const qemu = startQemu(['-e', monitor(false)], process.execPath);
  expect(await qemu.powerDown(300)).toBe(false);
  expect(isAlive(qemu.pid)).toBe(false);
});

test('says why it could not be started', async () => {
  const qemu = startQemu([], '/no/such/program');
  expect(await qemu.ended).toMatch(/no\/such\/program/);
});

test('does not outlive the process that started it, killed outright', async () => {
  const script = `
    import { startQemu } from ${JSON.stringify(path.join(import.meta.dirname, 'qemu.ts'))};
    console.log(startQemu(['600'], 'sleep').pid);
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(owner.stdout.setEncoding('utf8'), 'data');
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  await expect.poll(() => isAlive(pid), { timeout: 50_000 }).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

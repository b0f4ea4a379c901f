import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inProject } from '../setup/paths.mjs';
import { capture } from '../setup/processes.mjs';

let cache: string;
beforeEach(() => {
  cache = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-vm-command-'));
});
afterEach(() => {
  fs.rmSync(cache, { recursive: true, force: true });
});

/** The command as npm calls it; nothing here gets as far as needing QEMU. */
const vm = async (...words: string[]) =>
  await capture(process.execPath, [inProject('scripts', 'vm.mjs'), ...words], {
    env: { ...process.env, XDG_CACHE_HOME: cache },
  });

test('lists nothing where there is nothing, and has nothing to stop', async () => {
  expect(await vm('list')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await vm('stop')).toMatchObject({ code: 0, stderr: 'vm: pi does not run\n' });
});

test('ends with 2 and the usage for words it does not know', async () => {
  const { code, stderr } = await vm('--ram', 'lots');
  expect(code).toBe(2);
  expect(stderr).toMatch(/^vm: --ram takes a number from 512 to 65536, not "lots"\.\n\nnpm run vm -- /);
});

test('explains a failure in a sentence and a command, without a stack', async () => {
  const folder = path.join(cache, 'muster', 'vm', 'machines', 'pi');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'vm.json'), '{}');
  const { code, stderr } = await vm('list');
  expect(code).toBe(1);
  expect(stderr).toBe(
    `\n${path.join(folder, 'vm.json')} cannot be read.\n  Run:  npm run vm -- --name pi --fresh\n`,
  );
});

test('stops nobody else whose process has the number that a crash left behind', async () => {
  const folder = path.join(cache, 'muster', 'vm', 'machines', 'pi');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'running'), String(process.pid));
  expect(await vm('stop')).toMatchObject({ code: 0, stderr: 'vm: pi does not run\n' });
});

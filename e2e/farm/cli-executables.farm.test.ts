import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { cliExecutable, packCli } from '../../scripts/pack-cli.mjs';
import { runCli } from '../cli/run-cli.ts';

const emulator = '/usr/bin/qemu-aarch64-static';
const armLibraries = '/usr/aarch64-linux-gnu';
const canEmulate = existsSync(emulator) && existsSync(`${armLibraries}/lib/libstdc++.so.6`);
if (!canEmulate)
  process.stdout.write(
    '\n*** SKIPPED: the executable for 64-bit ARM needs qemu-user-static and libstdc++6-arm64-cross. ***\n\n',
  );

/** Neither needs a Node: the path is empty of it. */
describe.each([
  { arch: 'x64', runs: process.arch === 'x64', before: [] },
  { arch: 'arm64', runs: canEmulate, before: [emulator, '-L', armLibraries] },
] as const)('the executable for linux-$arch', ({ arch, runs, before }) => {
  const run = (args: readonly string[]) =>
    runCli(args, {
      command: [...before, cliExecutable(arch)],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      limitMs: 400_000,
    });
  beforeAll(() => packCli(), 600_000);

  test.runIf(runs)(
    'tells its version, and what is wrong with the computer it runs on',
    async () => {
      const version = await run(['--version']);
      expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      const doctor = await run(['doctor', '--target', 'local', '--json', '--state-dir', '/tmp/muster-none']);
      const [diagnosis] = doctor.events('diagnosis');
      const fine = diagnosis?.findings
        .filter((finding) => finding.state === 'ok')
        .map((finding) => finding.check);
      expect(fine).toEqual(
        expect.arrayContaining(['connection', 'host-key', 'login', 'sudo', 'system', 'clock']),
      );
    },
    900_000,
  );

  test.runIf(runs)(
    'refuses a command it does not know',
    async () => {
      expect((await run(['fly'])).status).toBe(2);
    },
    400_000,
  );
});

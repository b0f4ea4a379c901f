import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type AgentArchitecture, agentArchitectures, PAYLOAD_MARKER, wrapInElf } from './elf-envelope.ts';

const run = promisify(execFile);

const findOnPath = (...names: readonly string[]): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));

const onLinux = process.platform === 'linux';
const arm64Host = onLinux && process.arch === 'arm64';
/** What runs a file of each architecture here: nothing extra ([]), an emulator, or undefined for "cannot". */
const runners: Readonly<Record<AgentArchitecture, readonly string[] | undefined>> = {
  x86_64: onLinux && process.arch === 'x64' ? [] : undefined,
  aarch64: arm64Host ? [] : emulator('qemu-aarch64'),
  armv7: emulator('qemu-arm'),
};

function emulator(name: string): readonly string[] | undefined {
  const path = onLinux ? findOnPath(name, `${name}-static`) : undefined;
  return path === undefined ? undefined : [path];
}

describe('wrapInElf', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-elf-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('carries every payload unchanged after the first marker, equal input giving equal bytes', () => {
    const payloads = fc.oneof(
      fc.uint8Array({ maxLength: 4096 }),
      fc
        .string({ unit: 'binary' })
        .map((text) => new TextEncoder().encode(`${PAYLOAD_MARKER}${text}${PAYLOAD_MARKER}`)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...agentArchitectures), payloads, (architecture, payload) => {
        const file = Buffer.from(wrapInElf(architecture, payload));
        const start = file.indexOf(PAYLOAD_MARKER) + PAYLOAD_MARKER.length;
        expect(file.subarray(start).equals(payload)).toBe(true);
        expect(file.equals(wrapInElf(architecture, payload))).toBe(true);
      }),
    );
  });

  it.each([
    ['x86_64', 2, 62, 0],
    ['aarch64', 2, 183, 0],
    ['armv7', 1, 40, 0x0500_0400],
  ] as const)(
    'names %s in its header, and maps all of the envelope',
    (architecture, elfClass, machine, flags) => {
      const file = Buffer.from(wrapInElf(architecture, Buffer.from('payload')));
      const wide = elfClass === 2;
      expect([...file.subarray(0, 7)]).toEqual([0x7f, 0x45, 0x4c, 0x46, elfClass, 1, 1]);
      expect([file.readUInt16LE(16), file.readUInt16LE(18)]).toEqual([2, machine]);
      expect(file.readUInt32LE(wide ? 48 : 36)).toBe(flags);
      const entry = file.readUInt32LE(24) - 0x40_0000;
      const segmentBytes = file.readUInt32LE(wide ? 64 + 32 : 52 + 16);
      expect(entry).toBe(wide ? 64 + 2 * 56 : 52 + 2 * 32);
      expect(segmentBytes).toBe(file.indexOf(PAYLOAD_MARKER));
      expect(file.readUInt32LE(wide ? 64 + 4 : 52 + 24)).toBe(5); // readable, executable, not writable
    },
  );

  it.skipIf(findOnPath('readelf') === undefined)('is accepted by readelf without a warning', () => {
    for (const architecture of agentArchitectures) {
      const path = join(dir, `headers-${architecture}`);
      writeFileSync(path, wrapInElf(architecture, Buffer.from('')));
      const shown = execFileSync('readelf', ['-hl', path], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(shown).toMatch(
        { x86_64: /X86-64/, aarch64: /AArch64/, armv7: /Version5 EABI, hard-float ABI/ }[architecture],
      );
    }
  });

  for (const architecture of agentArchitectures) {
    const runner = runners[architecture];
    if (runner === undefined) {
      console.warn(
        `SKIPPED: running the ${architecture} envelope. This computer cannot run it, and has no qemu-user.`,
      );
    }
    it.skipIf(runner === undefined)(
      `runs its payload on ${architecture}, with arguments and environment`,
      async () => {
        const path = join(dir, `fleet-agent ${architecture}`);
        const script =
          'console.log(JSON.stringify([process.argv.slice(1), process.env.MARK, __filename, "ü"]))';
        writeFileSync(path, wrapInElf(architecture, Buffer.from(script)));
        chmodSync(path, 0o755);
        const environment = { PATH: process.env.PATH, MARK: 'seen' };
        const call = async (args: readonly string[]): Promise<unknown> => {
          const [program = path, ...rest] = [...(runner ?? []), path, ...args];
          return JSON.parse((await run(program, rest, { env: environment })).stdout);
        };
        const args = ['--config', '/etc/a b.toml', '-e', '', '--', "it's"];
        expect(await call(args)).toEqual([[path, ...args], 'seen', path, 'ü']);
        expect(await call([])).toEqual([[path], 'seen', path, 'ü']);
      },
      20_000,
    );
  }

  it.skipIf(runners.x86_64 === undefined)(
    'finds itself when called by its bare name, and fails plainly without Node',
    async () => {
      const path = join(dir, 'fleet-agent-bare');
      writeFileSync(path, wrapInElf('x86_64', Buffer.from('console.log(__filename); process.exitCode = 7')));
      chmodSync(path, 0o755);
      const found = run('fleet-agent-bare', [], { env: { PATH: `${dir}${delimiter}${process.env.PATH}` } });
      await expect(found).rejects.toMatchObject({ code: 7, stdout: `${path}\n` });
      await expect(run(path, [], { env: { PATH: dir } })).rejects.toMatchObject({
        code: 127,
        stderr: /node/,
      });
    },
  );
});

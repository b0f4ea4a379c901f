import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compressedMember, storedMember } from './gzip-members.ts';

it('gives back any bytes, stored and compressed in any order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(0, 1, 6)), { maxLength: 6 }),
      async (parts) => {
        const members = await Promise.all(
          parts.map(([bytes, level]) => (level === 0 ? storedMember(bytes) : compressedMember(bytes, level))),
        );
        const sent = Buffer.concat([...members, storedMember(new Uint8Array())]);
        expect(gunzipSync(sent)).toEqual(Buffer.concat(parts.map(([bytes]) => bytes)));
      },
    ),
  );
});

it.each([0, 1, 65_534, 65_535, 65_536, 131_070, 262_144])(
  'stores %i bytes in blocks of 16 bits',
  (length) => {
    const bytes = Buffer.alloc(length, 'agent binary ');
    const member = storedMember(bytes);
    expect(gunzipSync(member).equals(bytes)).toBe(true);
    expect(member.length - length).toBe(18 + 5 * Math.max(1, Math.ceil(length / 65_535)));
  },
);

it('is what the gzip program of a device takes', async () => {
  const bytes = Buffer.alloc(200_000, 'agent binary ');
  const input = Buffer.concat([
    storedMember(bytes),
    await compressedMember(bytes, 1),
    storedMember(bytes),
    await compressedMember(bytes, 6),
  ]);
  const { status, stdout, stderr } = spawnSync('gzip', ['-dc'], { input, maxBuffer: 2 ** 24 });
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  expect(stdout.equals(Buffer.concat([bytes, bytes, bytes, bytes]))).toBe(true);
});

it('a member that was changed on its way is refused', () => {
  const member = storedMember(Buffer.from('agent binary'));
  member.writeUInt8(member.readUInt8(16) ^ 1, 16);
  expect(() => gunzipSync(member)).toThrow(/incorrect data check/);
});

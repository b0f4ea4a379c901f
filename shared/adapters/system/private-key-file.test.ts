import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { KeyFileError, readPrivateKeyText } from './private-key-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-key-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const signal = new AbortController().signal;
const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n';

function keyFile(name: string, content: string, mode: number): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

it('reads a private file, and a public key that everybody may read', async () => {
  expect(await readPrivateKeyText(keyFile('good', key, 0o600), signal)).toBe(key);
  expect(await readPrivateKeyText(keyFile('good.pub', 'ssh-ed25519 AAAA\n', 0o644), signal)).toMatch(/^ssh-/);
});

it.each([
  ['open', key, 0o644, /mode 0644/],
  ['grouped', key, 0o640, /mode 0640/],
  ['huge', key + 'x'.repeat(70_000), 0o600, /more than 65536 bytes/],
])('refuses one that is %s', async (name, content, mode, problem) => {
  const reading = readPrivateKeyText(keyFile(name, content, mode), signal);
  await expect(reading).rejects.toThrow(problem);
  await expect(reading).rejects.toBeInstanceOf(KeyFileError);
});

it('tells a file that is missing from one that cannot be read', async () => {
  await expect(readPrivateKeyText(join(folder, 'none'), signal)).rejects.toMatchObject({ isMissing: true });
  await expect(readPrivateKeyText(folder, signal)).rejects.toMatchObject({ isMissing: false });
  const stopped = AbortSignal.abort(new Error('stopped'));
  await expect(readPrivateKeyText(join(folder, 'none'), stopped)).rejects.toThrow('stopped');
});

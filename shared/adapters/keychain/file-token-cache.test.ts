import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TokenSet } from '../../engine/ports.ts';
import { toErrorView } from '../../errors/enrollment-error.ts';
import { Secret } from '../../model/secret.ts';
import { createFileTokenCache } from './file-token-cache.ts';

const owner = { issuer: 'https://id.example', clientId: '1' };
const never = new AbortController().signal;
const tokens: TokenSet = {
  accessToken: new Secret('access'),
  refreshToken: new Secret('refresh'),
  expiresAt: 1_767_000_000_000,
  subject: '42',
  account: 'operator@example',
  organisation: undefined,
};

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'muster-file-cache-'));
  file = path.join(folder, 'sub', 'sign-in.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a sign-in in a file', () => {
  it('is remembered, replaced and forgotten, for this account only, and leaves nothing beside it', async () => {
    const cache = createFileTokenCache(file, owner);
    expect(await cache.load(never)).toBeUndefined();
    await cache.save(tokens, never);
    await cache.save({ ...tokens, accessToken: new Secret('newer') }, never);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
    expect((await cache.load(never))?.accessToken.reveal()).toBe('newer');
    expect(await readdir(path.dirname(file))).toEqual(['sign-in.json']);
    await cache.remove(never);
    await cache.remove(never);
    expect(await cache.load(never)).toBeUndefined();
  });

  it('that others may read is refused and left alone', async () => {
    const cache = createFileTokenCache(file, owner);
    await cache.save(tokens, never);
    await chmod(file, 0o640);
    const before = await readFile(file, 'utf8');
    for (const use of [() => cache.load(never), () => cache.save(tokens, never), () => cache.remove(never)]) {
      await expect(use()).rejects.toMatchObject({
        code: 'STATION_KEYCHAIN_UNAVAILABLE',
        details: { problem: `${file} is open to other accounts (mode 0640, it must be 0600).` },
      });
    }
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  it('that is a link is refused, and what it leads to stays as it was', async () => {
    const other = path.join(folder, 'precious');
    await writeFile(other, 'precious', { mode: 0o600 });
    file = path.join(folder, 'link.json');
    await symlink(other, file);
    const cache = createFileTokenCache(file, owner);
    for (const use of [() => cache.load(never), () => cache.save(tokens, never), () => cache.remove(never)]) {
      await expect(use()).rejects.toMatchObject({ details: { problem: `${file} is a link.` } });
    }
    expect(await readFile(other, 'utf8')).toBe('precious');
  });

  it('of another issuer or client id is never seen, replaced or removed', async () => {
    await createFileTokenCache(file, owner).save(tokens, never);
    for (const other of [
      { ...owner, clientId: '2' },
      { ...owner, issuer: 'https://id.example:8443' },
    ]) {
      const cache = createFileTokenCache(file, other);
      for (const use of [
        () => cache.load(never),
        () => cache.save(tokens, never),
        () => cache.remove(never),
      ]) {
        await expect(use()).rejects.toMatchObject({
          details: { problem: `${file} holds the sign-in of another issuer or client id.` },
        });
      }
    }
    expect(await createFileTokenCache(file, owner).load(never)).toEqual(tokens);
  });

  it.each([
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n'],
    ['text', 'bread, milk, butter'],
    ['a line end', '\n'],
    ['JSON of another shape', '{"version":1,"accessToken":"x"}'],
    ['JSON that was cut off', '{"version":1,"acc'],
    ['a list', '[]'],
    ['bytes', '\u0000\u0001\ufffd'],
    ['a file of another owner that was cut off', '{"owner":"https://other.example|1","signIn":"'],
  ])('that is none, but %s, is refused and left as it was', async (_what, text) => {
    file = path.join(folder, 'x.json');
    await writeFile(file, text, { mode: 0o600 });
    const cache = createFileTokenCache(file, owner);
    for (const use of [() => cache.load(never), () => cache.save(tokens, never), () => cache.remove(never)]) {
      const refusal: unknown = await use().catch((thrown: unknown) => thrown);
      expect(refusal).toMatchObject({ code: 'STATION_TOKEN_FILE_FOREIGN', details: { path: file } });
      // It may be a secret: nothing of it is told.
      const told = JSON.stringify(toErrorView(refusal));
      if (text.trim().length > 4) expect(told).not.toContain(JSON.stringify(text).slice(1, -1));
    }
    expect(await readFile(file, 'utf8')).toBe(text);
    expect(await readdir(folder)).toEqual(['x.json']);
  });

  it('that is empty, or of this client and cut off, counts as none, is replaced and is removed', async () => {
    file = path.join(folder, 'x.json');
    const cache = createFileTokenCache(file, owner);
    await cache.save(tokens, never);
    const whole = await readFile(file, 'utf8');
    const opening = whole.indexOf('"signIn":"') + '"signIn":"'.length;
    for (const length of [0, opening, whole.length - 1]) {
      await writeFile(file, whole.slice(0, length));
      expect(await cache.load(never), String(length)).toBeUndefined();
      await cache.save(tokens, never);
      expect(await readFile(file, 'utf8')).toBe(whole);
      await writeFile(file, whole.slice(0, length));
      await cache.remove(never);
      expect(await readdir(folder)).toEqual([]);
      await cache.save(tokens, never);
    }
  });
});

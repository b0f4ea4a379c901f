import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holdsAll } from './dependencies.mjs';
import { fileDigest, treeDigest } from './digest.mjs';
import { hasDisplay } from './display.mjs';
import { checkPinned } from './download.mjs';
import { installAtomically } from './install-atomically.mjs';
import { withLock } from './lock.mjs';
import { releaseArchive } from './nats-server.mjs';
import { checkNode, isAtLeast } from './node-version.mjs';
import { capture } from './processes.mjs';
import { parseLoaderCache, withCandidate } from './system-libraries.mjs';

let folder = '';
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-setup-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
const at = (...parts: string[]) => path.join(folder, ...parts);

describe('node', () => {
  test.each([
    ['20.19.0', '20.19.0', true],
    ['20.20.2', '20.19.0', true],
    ['20.9.0', '20.19.0', false],
    ['24.0.0', '20.19.0', true],
    ['2.12.15', '2.10.0', true],
    ['2.9.10-1+b3', '2.10.0', false],
    ['2.10.27-1', '2.10.0', true],
  ])('%s against at least %s: %s', (version, minimum, expected) => {
    expect(isAtLeast(version, minimum)).toBe(expected);
  });

  test('an old Node and Windows are refused with what to do', () => {
    expect(() => checkNode('18.20.0', 'linux')).toThrow(/Node 18\.20\.0 is too old/);
    expect(() => checkNode('24.0.0', 'win32')).toThrow(/WSL/);
    expect(() => checkNode('24.0.0', 'darwin')).not.toThrow();
  });
});

describe('dependencies', () => {
  const lock = {
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '2.0.0', optional: true },
  };

  test('are in place when every package has its version', () => {
    expect(holdsAll(lock, { 'node_modules/a': { version: '1.0.0' } })).toBe(true);
  });

  test('are not when one is missing or differs', () => {
    expect(holdsAll(lock, {})).toBe(false);
    expect(holdsAll(lock, { 'node_modules/a': { version: '1.0.1' } })).toBe(false);
    const otherOptional = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } };
    expect(holdsAll(lock, otherOptional)).toBe(false);
  });
});

describe('digests', () => {
  test('change with content, name and set of files, and leave out what does not count', () => {
    fs.mkdirSync(at('src'));
    fs.writeFileSync(at('src', 'a.ts'), 'one');
    const inputs = ['src', 'missing'];
    const counts = (file: string) => !file.endsWith('.test.ts');
    const first = treeDigest(folder, inputs, counts);
    fs.writeFileSync(at('src', 'a.test.ts'), 'a test');
    expect(treeDigest(folder, inputs, counts)).toBe(first);
    fs.writeFileSync(at('src', 'a.ts'), 'two');
    const second = treeDigest(folder, inputs, counts);
    expect(second).not.toBe(first);
    fs.renameSync(at('src', 'a.ts'), at('src', 'b.ts'));
    expect(treeDigest(folder, inputs, counts)).not.toBe(second);
  });

  test('a download that is not the pinned one is thrown away', async () => {
    fs.writeFileSync(at('file'), 'not it');
    const pin = { algorithm: 'sha256', encoding: 'hex', expected: '0'.repeat(64) } as const;
    await expect(checkPinned(at('file'), pin)).rejects.toThrow(/not the file that was pinned/);
    expect(fs.existsSync(at('file'))).toBe(false);
    fs.writeFileSync(at('file'), 'it');
    await checkPinned(at('file'), { ...pin, expected: fileDigest(at('file')) });
    expect(fs.existsSync(at('file'))).toBe(true);
  });
});

describe('nats-server', () => {
  test('is only downloaded where a checksum is pinned', () => {
    expect(releaseArchive('linux', 'x64')?.url).toMatch(/linux-amd64\.tar\.gz$/);
    expect(releaseArchive('linux', 'arm64')?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(releaseArchive('darwin', 'arm64')).toBeUndefined();
  });
});

describe('system libraries', () => {
  test('are read from the cache of the loader', () => {
    const text =
      '2 libs found in cache\n\tlibz.so.1 (libc6,x86-64) => /lib/libz.so.1\n\tlibnss3.so (libc6) => /lib/libnss3.so\n';
    expect(parseLoaderCache(text)).toEqual(new Set(['libz.so.1', 'libnss3.so']));
  });

  test('take the new name where the release has it', () => {
    const text =
      'libgtk-3-0t64:\n  Installed: (none)\n  Candidate: 3.24.49-3\n  Version table:\n' +
      'xvfbt64:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n';
    expect(withCandidate(text)).toEqual(new Set(['libgtk-3-0t64']));
  });

  test('a display is needed on Linux only', () => {
    expect(hasDisplay({}, 'linux')).toBe(false);
    expect(hasDisplay({ DISPLAY: ':0' }, 'linux')).toBe(true);
    expect(hasDisplay({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toBe(true);
    expect(hasDisplay({}, 'darwin')).toBe(true);
  });
});

describe('locks', () => {
  test('two set-ups at once take turns and fill a cache folder once', async () => {
    let filled = 0;
    const install = () =>
      installAtomically(
        at('tool'),
        () => (fs.existsSync(at('tool', 'done')) ? 'present' : undefined),
        async (temporary) => {
          filled += 1;
          await capture(process.execPath, ['-e', '0']);
          fs.writeFileSync(path.join(temporary, 'done'), '');
        },
      );
    expect(await Promise.all([install(), install()])).toEqual(['present', 'present']);
    expect(filled).toBe(1);
    expect(fs.readdirSync(folder)).toEqual(['tool']);
  });

  test('a failed fill leaves nothing, and remains of a killed one are removed', async () => {
    fs.mkdirSync(at('tool.new-killed'));
    const fail = async () => {
      throw new Error('no network');
    };
    await expect(installAtomically(at('tool'), () => undefined, fail)).rejects.toThrow('no network');
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('the lock of a process that is gone is taken over', async () => {
    // More than any system gives: it cannot be somebody else's by now.
    fs.writeFileSync(at('lock'), String(2 ** 22 + 1));
    expect(await withLock(at('lock'), async () => 'mine', { limitMs: 50_000 })).toBe('mine');
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('the lock of a living process is waited for, with a limit and a way out', async () => {
    fs.writeFileSync(at('lock'), String(process.ppid));
    const attempt = withLock(at('lock'), async () => 'mine', { limitMs: 50, pollMs: 10 });
    await expect(attempt).rejects.toThrow(/Another set-up \(process \d+\)/);
    expect(fs.existsSync(at('lock'))).toBe(true);
  });
});

describe('processes', () => {
  test('give output and status, 127 when missing, 124 at the limit', async () => {
    const program = 'process.stdin.pipe(process.stdout); process.exitCode = 3';
    expect(await capture(process.execPath, ['-e', program], { stdin: 'hello' })).toMatchObject({
      code: 3,
      stdout: 'hello',
    });
    expect((await capture('no-such-program', [])).code).toBe(127);
    expect(
      (await capture(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { limitMs: 200 })).code,
    ).toBe(124);
  });
});

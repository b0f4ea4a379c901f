import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  isAppAddress,
  listRendererFiles,
  type RendererFiles,
  resolveRendererFile,
} from './renderer-files.ts';

let folder: string;
let files: RendererFiles;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-files-'));
  const page = path.join(folder, 'page');
  fs.mkdirSync(path.join(page, 'assets'), { recursive: true });
  for (const name of [
    'index.html',
    'assets/index-1a.js',
    'assets/index-1a.css',
    'assets/mono.woff2',
    'assets/x.map',
    'notes.txt',
  ]) {
    fs.writeFileSync(path.join(page, name), name);
  }
  fs.writeFileSync(path.join(folder, 'secret.html'), 'secret');
  fs.symlinkSync(path.join(folder, 'secret.html'), path.join(page, 'link.html'));
  files = listRendererFiles(page);
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('listRendererFiles', () => {
  test('lists files of known kinds with their types, and no links', () => {
    expect(Object.fromEntries([...files].map(([name, file]) => [name, file.contentType]))).toEqual({
      '/index.html': 'text/html; charset=utf-8',
      '/assets/index-1a.js': 'text/javascript; charset=utf-8',
      '/assets/index-1a.css': 'text/css; charset=utf-8',
      '/assets/mono.woff2': 'font/woff2',
    });
  });
});

describe('resolveRendererFile', () => {
  test('finds what is in the list', () => {
    expect(resolveRendererFile(files, 'muster://app/index.html')?.path).toBe(
      path.join(folder, 'page', 'index.html'),
    );
    expect(resolveRendererFile(files, 'muster://app/assets/index-1a.js')?.contentType).toContain(
      'javascript',
    );
  });

  test.each([
    'muster://app',
    'muster://app/',
    'muster://app/link.html',
    'muster://app/notes.txt',
    'muster://app/assets/x.map',
    'muster://app/INDEX.HTML',
    'muster://APP/index.html',
    'MUSTER://app/index.html',
    'muster://app//index.html',
    'muster://app/./index.html',
    'muster://app/assets/../index.html',
    'muster://app/../secret.html',
    'muster://app/..%2fsecret.html',
    'muster://app/%2e%2e/secret.html',
    'muster://app/..\\secret.html',
    'muster://app/assets\\index-1a.js',
    'muster://app/index.html%00',
    'muster://app/index.html\u0000',
    'muster://app/index.html/',
    'muster://app/index.html?x',
    'muster://app/index.html#x',
    'muster://app:80/index.html',
    'muster://user@app/index.html',
    'muster://app.evil/index.html',
    'muster://other/index.html',
    'muster:/app/index.html',
    'muster:index.html',
    'https://app/index.html',
    'file:///index.html',
    'index.html',
    '',
    'muster://app/constructor',
    'muster://app/__proto__',
  ])('finds nothing for %j', (address) => {
    expect(resolveRendererFile(files, address)).toBeUndefined();
  });

  test('whatever is asked, only listed files come out', () => {
    const known = new Set([...files.values()].map((file) => file.path));
    const piece = fc.constantFrom(
      'muster://app',
      '/',
      '..',
      '.',
      'index.html',
      'assets',
      'secret.html',
      '%2f',
      '%2e',
      '\\',
      'link.html',
      '\u0000',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const file = resolveRendererFile(files, pieces.join(''));
        if (file !== undefined) expect(known.has(file.path)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('isAppAddress', () => {
  test.each(['muster://app/', 'muster://app/index.html', 'muster://app/index.html?x#y'])(
    '%s is ours',
    (address) => {
      expect(isAppAddress(address)).toBe(true);
    },
  );
  test.each([
    'muster://app.evil/',
    'muster://evil/',
    'muster://app@evil/',
    'muster://user@app/',
    'muster://app:1/',
    'musters://app/',
    'https://app/',
    'about:blank',
    'data:text/html,x',
    'blob:muster://app/1',
    'view-source:muster://app/',
    '',
    'app',
  ])('%j is not', (address) => {
    expect(isAppAddress(address)).toBe(false);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FileTooLargeError,
  openRegularFile,
  readLimitedBytes,
  readLimitedStream,
  readLimitedText,
} from './read-limited.ts';

const never = new AbortController().signal;
let folder: string;
let pipes = 0;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'muster-read-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function pipe(): string {
  pipes += 1;
  const file = path.join(folder, `pipe-${pipes}`);
  execFileSync('mkfifo', [file]);
  return file;
}

describe('a file that is read up to a limit', () => {
  it('is a regular one, with its mode', async () => {
    const file = path.join(folder, 'plain');
    writeFileSync(file, 'canary', { mode: 0o640 });
    const { text, mode } = await readLimitedText(file, 6, never);
    expect([text, mode & 0o777]).toEqual(['canary', 0o640]);
    await expect(readLimitedBytes(file, 5, never)).rejects.toBeInstanceOf(FileTooLargeError);
  });

  it.each([
    ['a pipe', pipe],
    ['a folder', () => folder],
    ['a device', () => '/dev/zero'],
  ])('is not %s, which is refused without waiting for anybody', async (_what, make) => {
    await expect(readLimitedText(make(), 10, never)).rejects.toThrow('It is not a file.');
    await expect(openRegularFile(make())).rejects.toThrow('It is not a file.');
  });
});

describe('a pipe that is read up to a limit', () => {
  it('is read to its end, however it comes', async () => {
    const file = pipe();
    const reading = readLimitedBytes(file, 100, never);
    const writer = await open(file, 'w');
    await writer.write('can');
    await writer.write('ary');
    await writer.close();
    expect(Buffer.from(await reading).toString()).toBe('canary');
  });

  it('is given up when it has more', async () => {
    const file = pipe();
    const reading = readLimitedBytes(file, 5, never);
    const refused = expect(reading).rejects.toBeInstanceOf(FileTooLargeError);
    const writer = await open(file, 'w');
    await writer.write('canary');
    await refused;
    await writer.close();
  });

  it('is waited for until somebody interrupts', async () => {
    const stop = new AbortController();
    const reading = readLimitedBytes(pipe(), 100, stop.signal);
    const ended = expect(reading).rejects.toThrow('interrupted');
    stop.abort(new Error('interrupted'));
    await ended;
  });

  it('may be a stream that is there already', async () => {
    const bytes = await readLimitedStream(Readable.from([Buffer.from('can'), Buffer.from('ary')]), 6, never);
    expect(Buffer.from(bytes).toString()).toBe('canary');
  });
});

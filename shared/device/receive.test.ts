import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { receiveInto } from './receive.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-receive-'));
  file = join(folder, 'received');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the lines in a shell; what is sent and when is the test's. */
function begin(reader: string) {
  const script = `set -eu\nt='${file}'\n: > "$t"\n${receiveInto(reader, 1)}\necho whole`;
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  let printed = '';
  child.stdout.on('data', (bytes: Buffer) => {
    printed += bytes.toString('utf8');
  });
  // Closed, not just ended: nothing of it holds the session's output any more.
  const closed = new Promise<{ status: number | null; printed: string }>((resolve) =>
    child.once('close', (status) => resolve({ status, printed })),
  );
  return { input: child.stdin, closed };
}

it('takes what comes, and nothing waits when it is through', async () => {
  const { input, closed } = begin('gzip -dc');
  const startedAt = performance.now();
  input.end(gzipSync('new agent '.repeat(1000)));
  expect(await closed).toEqual({ status: 0, printed: 'whole\n' });
  expect(readFileSync(file, 'utf8')).toBe('new agent '.repeat(1000));
  expect(performance.now() - startedAt).toBeLessThan(900);
});

it('leaves what follows to the script behind it', async () => {
  const { input, closed } = begin('head -c 3');
  input.end('keyrest');
  expect(await closed).toEqual({ status: 0, printed: 'whole\n' });
  expect(readFileSync(file, 'utf8')).toBe('key');
});

it.each(['gzip -dc', 'head -c 100'])(
  '%s ends by itself when nothing comes any more',
  async (reader) => {
    const { closed } = begin(reader);
    expect(await closed).toEqual({ status: 1, printed: '' });
    expect(existsSync(file)).toBe(true);
  },
  10_000,
);

it('has patience with what comes slowly', async () => {
  const { input, closed } = begin('cat');
  for (const byte of 'hello') {
    input.write(byte);
    await new Promise((resolve) => setTimeout(resolve, 600));
  }
  input.end();
  expect(await closed).toEqual({ status: 0, printed: 'whole\n' });
}, 10_000);

it('fails when the input ends early', async () => {
  const { input, closed } = begin('gzip -dc');
  input.end(gzipSync('new agent '.repeat(1000)).subarray(0, 30));
  expect(await closed).toEqual({ status: 1, printed: '' });
});

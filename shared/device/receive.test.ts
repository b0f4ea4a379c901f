import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { patience } from '../testing/patience.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { partHeader, partsEnd, receiveInto, receiveParts } from './receive.ts';

/** Seconds between two looks: what comes at once is through long before the first one, on any computer. */
const SELDOM = 600;
const OFTEN = 1;

let root: TemporaryRoot;
let file: string;

beforeEach(() => {
  root = new TemporaryRoot();
  file = root.on('/received');
});

afterEach(() => {
  root.remove();
});

/** What `fenced` holds the device's lock with. */
const LOCK_FD = 9;

/** Runs the lines in a shell; what is sent and when is the test's. */
function begin(lines: string) {
  const { child, closed } = run(lines, 'pipe');
  if (child.stdin === null) throw new Error('The shell has no input.');
  return { input: child.stdin, closed };
}

/**
 * Sends these bytes and then nothing more, with the input held open after the script too, as sshd holds it while a link is
 * down: a pipe of our own would be closed when the shell ends, and what the shell left would end by that.
 */
function beginStalled(lines: string, bytes: Buffer) {
  const fifo = root.on('/input');
  execFileSync('mkfifo', [fifo]);
  const input = openSync(fifo, 'r+');
  writeSync(input, bytes);
  const { closed } = run(lines, input);
  return closed.finally(() => closeSync(input));
}

function run(lines: string, input: 'pipe' | number) {
  const script = `set -eu\nt='${file}'\n: > "$t"\n${lines}\necho whole`;
  const stdio = Array.from({ length: LOCK_FD + 1 }, (): 'pipe' | 'ignore' | number => 'ignore');
  stdio[0] = input;
  for (const fd of [1, LOCK_FD]) stdio[fd] = 'pipe';
  const child = spawn('/bin/sh', ['-c', script], { env: root.env, stdio });
  let printed = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    printed += bytes.toString('utf8');
  });
  (child.stdio as readonly (Readable | null)[])[LOCK_FD]?.resume();
  // Closed, not just ended: nothing of it holds the session's output or the lock any more.
  const closed = new Promise<{ status: number | null; printed: string }>((resolve) =>
    child.once('close', (status) => resolve({ status, printed })),
  );
  return { child, closed };
}

it('takes what comes, and nothing waits when it is through', async () => {
  // What waited for the next look would hold the output for minutes.
  const { input, closed } = begin(receiveInto('gzip -dc', SELDOM));
  input.end(gzipSync('new agent '.repeat(1000)));
  expect(await closed).toEqual({ status: 0, printed: 'whole\n' });
  expect(readFileSync(file, 'utf8')).toBe('new agent '.repeat(1000));
});

it('leaves what follows to the script behind it', async () => {
  const { input, closed } = begin(receiveInto('head -c 3', SELDOM));
  input.end('keyrest');
  expect(await closed).toEqual({ status: 0, printed: 'whole\n' });
  expect(readFileSync(file, 'utf8')).toBe('key');
});

it.each(['gzip -dc', 'head -c 100'])('%s ends by itself when nothing comes any more', async (reader) => {
  const { closed } = begin(receiveInto(reader, OFTEN));
  expect(await closed).toEqual({ status: 1, printed: '' });
  expect(existsSync(file)).toBe(true);
});

it('has patience with what comes slowly', async () => {
  // A look follows when the test says so, and is over when the next wait for one begins.
  const mayLook = root.on('/may-look');
  spawnSync('mkfifo', [mayLook]);
  const looks = openSync(mayLook, 'r+');
  root.standIn('sleep', `read -r _ < '${mayLook}'`);
  const waits = () => root.calls().filter((call) => call.startsWith('sleep')).length;
  const { input, closed } = begin(receiveInto('cat', OFTEN));
  try {
    for (const [index, byte] of [...'hello'].entries()) {
      input.write(byte);
      await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toHaveLength(index + 1), patience);
      writeSync(looks, '\n');
      await vi.waitFor(() => expect(waits()).toBe(index + 2), patience);
    }
  } finally {
    input.end();
    closeSync(looks);
  }
  expect(await closed).toEqual({ status: 0, printed: 'whole\n' });
});

it('fails when the input ends early', async () => {
  const { input, closed } = begin(receiveInto('gzip -dc', SELDOM));
  input.end(gzipSync('new agent '.repeat(1000)).subarray(0, 30));
  expect(await closed).toEqual({ status: 1, printed: '' });
});

describe('a file in parts', () => {
  const text = 'new agent '.repeat(1000);
  const raw = (bytes: string) => Buffer.from(`${partHeader('raw', bytes.length)}${bytes}`);
  const gzipped = (bytes: string) => {
    const part = gzipSync(bytes);
    return Buffer.concat([Buffer.from(partHeader('gzip', part.length)), part]);
  };
  const end = Buffer.from(partsEnd);

  it('is joined, however its parts travel, and leaves what follows', async () => {
    const { input, closed } = begin(`${receiveParts(SELDOM)}\nIFS= read -r next; echo "$next"`);
    input.end(
      Buffer.concat([
        raw('first\n'),
        gzipped(text),
        gzipped('more\n'),
        raw(text),
        end,
        Buffer.from('next\n'),
      ]),
    );
    expect(await closed).toEqual({ status: 0, printed: 'next\nwhole\n' });
    expect(readFileSync(file, 'utf8')).toBe(`first\n${text}more\n${text}`);
  });

  it('may be empty', async () => {
    const { input, closed } = begin(receiveParts(SELDOM));
    input.end(end);
    expect(await closed).toEqual({ status: 0, printed: 'whole\n' });
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  it.each([
    ['stops in a raw part', raw(text).subarray(0, 500)],
    ['stops in a compressed part', gzipped(text).subarray(0, 30)],
    ['stops between two parts', gzipped(text)],
    ['is no parts', Buffer.from(text)],
    ['holds what is not compressed', Buffer.from(`${partHeader('gzip', 4)}text${partsEnd}`)],
  ])('has not arrived when it %s', async (_what, bytes) => {
    const { input, closed } = begin(receiveParts(SELDOM));
    input.end(bytes);
    expect(await closed).toEqual({ status: 1, printed: '' });
  });

  it.each([
    ['before the first part', Buffer.alloc(0), ''],
    ['in a raw part', raw(text).subarray(0, 500), ''],
    ['in a raw part, where dd counts no bytes', raw(text).subarray(0, 500), 'dd() { return 1; }\n'],
    ['in a compressed part', gzipped(text).subarray(0, 30), ''],
  ])('ends by itself, with all it started, when nothing comes any more %s', async (_what, bytes, device) => {
    // What is left of it would hold the lock, which would not close.
    expect(await beginStalled(device + receiveParts(OFTEN), bytes)).toEqual({ status: 1, printed: '' });
  });
});

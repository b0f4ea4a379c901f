import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { StandardStreams } from './standard-streams.ts';

class FakeStream extends EventEmitter {
  readonly isTTY: boolean;
  written = '';

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  write(text: string, done?: () => void): void {
    this.written += text;
    done?.();
  }

  fail(code: string): void {
    this.emit('error', Object.assign(new Error(`${code}: write`), { code }));
  }
}

function streams({ isTTY = false } = {}) {
  const source = { stdout: new FakeStream(isTTY), stderr: new FakeStream(isTTY) };
  const told: (number | 'hang-up')[] = [];
  const interrupts = { stop: (code: number) => told.push(code), hangUp: () => told.push('hang-up') };
  return { source, told, made: new StandardStreams(source, interrupts) };
}

describe('an output that is lost', () => {
  it.each(['EPIPE', 'ECONNRESET'])(
    'because its reader has left (%s) stops what runs, without a word',
    (code) => {
      const { source, told, made } = streams();
      made.stdout.write('one\n');
      source.stdout.fail(code);
      source.stdout.fail('ERR_STREAM_DESTROYED');
      made.stdout.write('two\n');
      expect([told, made.exitCode]).toEqual([[141], 141]);
      expect([source.stdout.written, source.stderr.written]).toEqual(['one\n', '']);
    },
  );

  it('because the disk is full is told on standard error', () => {
    const { source, told, made } = streams();
    source.stdout.fail('ENOSPC');
    expect([told, made.exitCode]).toEqual([[5], 5]);
    expect(source.stderr.written).toMatch(/^Standard output cannot .*\[STATION_OUTPUT_LOST\]/);
  });

  it('is told nowhere where standard error is lost too', () => {
    const { source, told, made } = streams();
    source.stderr.fail('ENOSPC');
    source.stdout.fail('ENOSPC');
    expect([told, made.exitCode, source.stderr.written]).toEqual([[5, 5], 5, '']);
  });

  it('because the terminal is gone is a hang-up, and no loss of its own', async () => {
    const { source, told, made } = streams({ isTTY: true });
    source.stderr.fail('EIO');
    source.stdout.fail('EIO');
    made.stderr.write('stopping');
    await made.flush();
    expect([told, made.exitCode, source.stderr.written]).toEqual([['hang-up', 'hang-up'], undefined, '']);
  });
});

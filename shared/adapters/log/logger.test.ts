import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { Secret } from '../../model/secret.ts';
import { createLogger } from './logger.ts';

const clock = { nowMs: () => Date.UTC(2026, 0, 5, 6, 0, 1, 250) };
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-log-'));
  path = join(folder, 'log', 'station.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = () =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('station log', () => {
  it('writes one JSON object a line into a private file', () => {
    const logger = createLogger({ clock, file: { path } });
    logger.log('info', 'batch-started', { devices: 12, name: 'line\nbreak' });
    logger.log('debug', 'not-written');
    logger.close();
    expect(lines()).toEqual([
      expect.objectContaining({
        level: 'info',
        time: '2026-01-05T06:00:01.250Z',
        event: 'batch-started',
        devices: 12,
        name: 'line\nbreak',
      }),
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('never shows a secret: wrapped, nested, in an error, or bare under a telling name', () => {
    const terminal: string[] = [];
    const logger = createLogger({
      clock,
      file: { path },
      terminal: { write: (text) => terminal.push(text) },
    });
    const cause = Object.assign(new Error('refused'), { token: new Secret('canary-1') });
    logger.log('error', 'x', {
      token: new Secret('canary-2'),
      nested: { list: [new Secret('canary-3')], access_token: 'canary-4', password: 'canary-5' },
      error: new EnrollmentError('IDENTITY_SESSION_ENDED', { cause }),
    });
    logger.close();
    const all = readFileSync(path, 'utf8') + terminal.join('');
    expect(all).not.toContain('canary');
    expect(all).toContain('[redacted]');
    expect(lines()[0]).toMatchObject({
      error: { code: 'IDENTITY_SESSION_ENDED', cause: { message: 'refused' } },
    });
  });

  it('survives fields that have no end', () => {
    const endless: Record<string, unknown> = { text: 'x'.repeat(100_000) };
    endless.self = endless;
    const logger = createLogger({ clock, file: { path } });
    logger.log('warn', 'odd', { endless, big: 10n, call: () => undefined });
    logger.close();
    expect(lines()[0]).toMatchObject({ event: 'odd', big: '10' });
  });

  it('shows no control characters of outside text in a terminal', () => {
    const terminal: string[] = [];
    const logger = createLogger({ clock, terminal: { write: (text) => terminal.push(text) } });
    logger.log('warn', 'nats-lost', { evidence: 'a\u001b]8;;http://x\u0007b\u202e', code: 'NATS_REFUSED' });
    expect(terminal).toHaveLength(1);
    expect(terminal[0]).toMatch(/^06:00:01\.250 warn {2}nats-lost evidence=.* code=NATS_REFUSED\n$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point.
    expect(terminal[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('never grows beyond its limit and keeps a few older files', () => {
    const logger = createLogger({ clock, file: { path, maxBytes: 2000, keep: 2 } });
    for (let number = 0; number < 100; number += 1) logger.log('info', 'event', { number });
    logger.close();
    for (const name of [path, `${path}.1`, `${path}.2`]) {
      expect(statSync(name).size).toBeLessThanOrEqual(2000);
      expect(statSync(name).mode & 0o777).toBe(0o600);
    }
    expect(existsSync(`${path}.3`)).toBe(false);
    expect(lines().at(-1)).toMatchObject({ number: 99 });
  });
});

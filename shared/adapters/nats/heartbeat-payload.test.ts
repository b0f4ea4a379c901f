import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heartbeatSchema } from '../../model/station-state.ts';
import { readHeartbeat } from './heartbeat-payload.ts';

const read = (content: unknown, key = 'press-07') =>
  readHeartbeat({
    key,
    value: new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content)),
    createdAt: 1000,
    revision: 7,
  });

describe('readHeartbeat', () => {
  it('takes device and time from the broker, the rest from the device', () => {
    const result = read({
      deviceId: 'press-07',
      keyId: 'k1',
      agentVersion: '1.2',
      startedAt: '2026-01-05T06:00:00.000Z',
      sentAt: '1999-01-01T00:00:00Z',
      arch: 'arm64',
      os: '',
      addresses: ['10.0.0.7'],
      labels: { site: 'east' },
      load1: 0.5,
      somethingNew: { a: 1 },
    });
    expect(result).toEqual({
      ok: true,
      heartbeat: {
        deviceId: 'press-07',
        receivedAt: 1000,
        revision: 7,
        keyId: 'k1',
        agentVersion: '1.2',
        startedAt: Date.UTC(2026, 0, 5, 6),
        architecture: 'arm64',
        addresses: ['10.0.0.7'],
        labels: { site: 'east' },
        load1: 0.5,
      },
    });
  });

  it.each([
    ['no JSON', '{', 'press-07'],
    ['another device', { deviceId: 'press-08' }, 'press-07'],
    ['a key that is no id', {}, 'Press 07'],
    ['a wrong type', { uptimeSeconds: 'long' }, 'press-07'],
    ['too much', 'x'.repeat(70_000), 'press-07'],
  ])('refuses %s', (_name, content, key) => {
    expect(read(content, key).ok).toBe(false);
  });

  it('caps lists and texts and shows nothing that hides', () => {
    const result = read({
      hostname: `a\u001b[31m${'x'.repeat(1000)}`,
      addresses: Array.from({ length: 100 }, () => '10.0.0.1'),
      labels: Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`l${n}\u202e`, 'v'])),
    });
    if (!result.ok) throw new Error(result.why);
    expect(result.heartbeat.hostname).toHaveLength(256);
    expect(result.heartbeat.hostname?.startsWith('a\\x1b[31m')).toBe(true);
    expect(result.heartbeat.addresses).toHaveLength(16);
    expect(Object.keys(result.heartbeat.labels)).toHaveLength(32);
    expect(Object.keys(result.heartbeat.labels)[0]).toBe('l0\\u{202e}');
  });

  it('gives something the window accepts, or a reason, for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (content) => {
        const result = read(content);
        if (result.ok) heartbeatSchema.parse(result.heartbeat);
        else expect(result.why).not.toBe('');
      }),
    );
  });
});

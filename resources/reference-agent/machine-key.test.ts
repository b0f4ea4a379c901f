import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { describeFailure, oneLine } from './agent-error.ts';
import { backoffMs } from './backoff.ts';
import { parseMachineKey, signAssertion } from './machine-key.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const file = { type: 'serviceaccount', keyId: 'k1', key: pem, userId: 'u1' };

describe('parseMachineKey', () => {
  it('reads the key file, and prints nothing of the key', () => {
    const key = parseMachineKey(JSON.stringify(file));
    expect([key.keyId, key.userId]).toEqual(['k1', 'u1']);
    expect(inspect(key, { depth: 9 }) + JSON.stringify(key)).not.toContain(pem.slice(60, 100));
  });

  it.each([
    ['no JSON', pem, /not valid JSON/],
    ['no key id', JSON.stringify({ ...file, keyId: '' }), /no keyId/],
    ['a damaged key', JSON.stringify({ ...file, key: pem.slice(0, 400) }), /cannot be read/],
    ['null', 'null', /no keyId/],
  ])('says what is wrong with %s, without quoting it', (_what, text, message) => {
    try {
      parseMachineKey(text);
      expect.unreachable();
    } catch (error) {
      expect(describeFailure(error)).toMatch(message);
      expect(inspect(error, { depth: 9 })).not.toContain(pem.slice(60, 100));
    }
  });
});

it('signs an assertion that the issuer accepts: ten seconds old, five minutes to live', async () => {
  const nowMs = Date.UTC(2026, 10, 23, 12);
  const jwt = signAssertion(parseMachineKey(JSON.stringify(file)), 'https://id.example', nowMs);
  const { payload, protectedHeader } = await jwtVerify(jwt, publicKey, {
    audience: 'https://id.example',
    currentDate: new Date(nowMs),
  });
  expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' });
  const now = nowMs / 1000;
  expect(payload).toEqual({ iss: 'u1', sub: 'u1', aud: 'https://id.example', iat: now - 10, exp: now + 300 });
});

it('takes tokens and keys out of foreign text, and leaves host names in', () => {
  const jwt = `${'a'.repeat(30)}.${'b'.repeat(60)}.${'c'.repeat(40)}`;
  expect(oneLine(`bad assertion ${jwt}\nat id.example`)).toBe('bad assertion [redacted] at id.example');
  expect(oneLine(`key ${pem} end`)).toBe('key [redacted] end');
  expect(oneLine('getaddrinfo ENOTFOUND production-nats-server.example')).toContain('example');
});

it('waits longer after each failure, within half a minute, and never less than half its step', () => {
  const shortest = [1, 2, 3, 4, 5, 6, 60].map((failures) => backoffMs(failures, () => 0));
  const longest = [1, 2, 3, 4, 5, 6, 60].map((failures) => backoffMs(failures, () => 1));
  expect(shortest).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect(longest).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

import { describe, expect, it } from 'vitest';
import { hostKeyFingerprint } from '../fingerprint.ts';
import { sshString } from '../wire/ssh-bytes.ts';
import { createHostKeyCheck, type HostKeyRules } from './host-key-check.ts';
import type { KnownOfHost } from './known-hosts.ts';

const key = (text: string, keyType = 'ssh-ed25519') => {
  const blob = Buffer.concat([sshString(keyType), sshString(text)]);
  return { keyType, blob, fingerprint: hostKeyFingerprint(blob) };
};
const [one, two, rsa] = [key('one'), key('two'), key('rsa', 'ssh-rsa')];
const nothing: KnownOfHost = { keys: [], revoked: [], hasAuthority: false };
const check = (rules: Partial<HostKeyRules>) =>
  createHostKeyCheck({
    ...{ address: 'board', place: 'board', pinned: undefined, known: undefined, policy: 'pin' },
    ...rules,
  });
const outcome = (rules: Partial<HostKeyRules>, shown: { readonly blob: Buffer }) => {
  const judged = check(rules);
  const accepted = judged.verify(shown.blob);
  expect(accepted).toBe(judged.refusal() === undefined);
  expect(judged.trusted() !== undefined).toBe(accepted);
  return judged.trusted()?.trust ?? judged.refusal()?.code;
};

describe('a host key', () => {
  it.each([
    ['a stranger where strangers may be pinned', {}, one, 'first-contact'],
    ['a stranger where they may not', { policy: 'known' }, one, 'DEVICE_HOST_KEY_UNKNOWN'],
    [
      'a stranger whose file says nothing',
      { policy: 'known', known: nothing },
      one,
      'DEVICE_HOST_KEY_UNKNOWN',
    ],
    ['the pinned key', { pinned: one }, one, 'pinned'],
    ['the pinned key under the strict rule', { pinned: one, policy: 'known' }, one, 'pinned'],
    ['another key than the pinned one', { pinned: one }, two, 'DEVICE_HOST_KEY_CHANGED'],
    ['a known key', { known: { ...nothing, keys: [one] } }, one, 'known-hosts'],
    [
      'a known key under the strict rule',
      { policy: 'known', known: { ...nothing, keys: [one] } },
      one,
      'known-hosts',
    ],
    [
      'another key than the known one',
      { known: { ...nothing, keys: [one] } },
      two,
      'DEVICE_HOST_KEY_CHANGED',
    ],
    [
      'a key of a type that is not known',
      { known: { ...nothing, keys: [rsa] } },
      one,
      'DEVICE_HOST_KEY_CHANGED',
    ],
    ['one of several known keys', { known: { ...nothing, keys: [rsa, one] } }, rsa, 'known-hosts'],
    ['a revoked stranger', { known: { ...nothing, revoked: [one] } }, one, 'DEVICE_HOST_KEY_REVOKED'],
    [
      'a revoked key that is pinned and known',
      { pinned: one, known: { keys: [one], revoked: [one], hasAuthority: false } },
      one,
      'DEVICE_HOST_KEY_REVOKED',
    ],
    ['a pin that the operator renewed', { pinned: two, known: { ...nothing, keys: [one] } }, two, 'pinned'],
    [
      'what an authority vouches for',
      { policy: 'known', known: { ...nothing, hasAuthority: true } },
      one,
      'DEVICE_HOST_KEY_UNKNOWN',
    ],
  ] as [string, Partial<HostKeyRules>, typeof one, string][])('%s', (_name, rules, shown, expected) => {
    expect(outcome(rules, shown)).toBe(expected);
  });

  it('must stay the same when keys are exchanged again', () => {
    const judged = check({});
    expect(judged.verify(one.blob)).toBe(true);
    expect(judged.verify(one.blob)).toBe(true);
    expect(judged.verify(two.blob)).toBe(false);
    expect(judged.refusal()).toMatchObject({
      code: 'DEVICE_HOST_KEY_CHANGED',
      details: { expected: one.fingerprint, actual: two.fingerprint },
    });
  });

  it('is asked for by the types that are pinned or known', () => {
    expect(check({ pinned: rsa, known: { ...nothing, keys: [one] } }).wantedTypes).toEqual(['ssh-rsa']);
    expect(check({ known: { ...nothing, keys: [rsa, one, two] } }).wantedTypes).toEqual([
      'ssh-rsa',
      'ssh-ed25519',
    ]);
    expect(check({}).wantedTypes).toEqual([]);
  });

  it('names both fingerprints when it changed, and the place where it is pinned', () => {
    const judged = check({ place: 'alias', pinned: one });
    judged.verify(two.blob);
    expect(judged.refusal()?.details).toMatchObject({
      ...{ address: 'board', place: 'alias', expected: one.fingerprint, actual: two.fingerprint },
    });
  });
});

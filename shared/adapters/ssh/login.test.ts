import { generateKeyPairSync } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../model/secret.ts';
import type { OfferedKey } from './keys/gather-keys.ts';
import { prepareLogin } from './login.ts';

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs1',
  format: 'pem',
});
const rsa = ssh2.utils.parseKey(pem.toString()) as ParsedKey;
const file = (name: string): OfferedKey => ({ kind: 'file', name, key: rsa });
const agentKey = (name: string): OfferedKey => ({ kind: 'agent', name, agent: {} as never });
const password = new Secret('canary');

/** The methods of a login at a device that refuses all of them and says each time what it takes. */
function methodsOf(keys: readonly OfferedKey[], given: Secret | undefined, takes: string[]): string[] {
  const login = prepareLogin({ user: 'pi', keys, password: given });
  const methods: string[] = [];
  for (let accepted: string[] | null = null; ; ) {
    const method = login.next(accepted as never);
    if (method === false) return methods;
    methods.push(method.type);
    // An agent's refusal tells nothing to the library.
    if (method.type !== 'agent') accepted = takes;
  }
}

describe('the logins of one connection', () => {
  it.each([
    ['a file alone', [file('a')], undefined, ['publickey'], ['publickey']],
    ['a file and a password', [file('a')], password, ['publickey', 'password'], ['publickey', 'password']],
    ['an agent', [agentKey('a'), agentKey('b')], undefined, ['publickey'], ['none', 'agent', 'agent']],
    [
      'an agent and a password',
      [agentKey('a')],
      password,
      ['publickey', 'password'],
      ['none', 'agent', 'password'],
    ],
    ['a password where keys are taken only', [], password, ['publickey'], ['none']],
    ['keys where passwords are taken only', [agentKey('a')], password, ['password'], ['none', 'password']],
    ['a password of both forms', [], password, ['password', 'keyboard-interactive'], ['none', 'password']],
    ['a password by questions', [], password, ['keyboard-interactive'], ['none', 'keyboard-interactive']],
    ['nothing', [], undefined, ['publickey'], ['none']],
  ] as [string, OfferedKey[], Secret | undefined, string[], string[]][])(
    '%s',
    (_name, keys, given, takes, expected) => {
      expect(methodsOf(keys, given, takes)).toEqual(expected);
    },
  );

  it('never sign with SHA-1, to which the library falls back', () => {
    const method = prepareLogin({ user: 'pi', keys: [file('a')], password: undefined }).next(null);
    const { key } = method as unknown as { key: ParsedKey };
    expect(key.sign(Buffer.from('x'), 'sha1')).toBeInstanceOf(Error);
    const signature = key.sign(Buffer.from('x'), 'sha256');
    expect(rsa.verify(Buffer.from('x'), signature, 'sha256')).toBe(true);
  });

  it('tell what was tried and what the device takes, and no secret', () => {
    const login = prepareLogin({ user: 'pi', keys: [file('/keys/bench')], password });
    expect(login.attempts()).toMatchObject({ keys: [], evidence: 'No key or password was offered.' });
    login.next(null);
    login.next(['password']);
    expect(login.attempts()).toEqual({
      ...{ accepted: ['password'], keys: ['/keys/bench'], asksForOther: false },
      evidence: 'Tried: /keys/bench, password. The device accepts: password.',
    });
  });
});

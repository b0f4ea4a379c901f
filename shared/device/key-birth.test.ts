import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { commandFailure } from './command-failure.ts';
import { makeConfigDirectory, receiveMachineKey } from './commands.ts';
import { EXIT_OBSTRUCTED } from './exit-status.ts';
import { composeTrip, type Fragment } from './fragment.ts';
import { adoptBornKey, makeKeyPair, publicKeyPem, readBirthLine, signWithBornKey } from './key-birth.ts';
import { bornKeyPath, keyPath } from './paths.ts';

let root: TemporaryRoot;

beforeEach(() => {
  root = new TemporaryRoot();
  root.standIn('chown', ':');
});

afterEach(() => {
  root.remove();
});

function trip(fragments: readonly Fragment[], payload = '') {
  const { script } = composeTrip('test', 'c0ffee', [{ step: 'key-config', fragments }]);
  return runShell(script, { payload, env: root.env });
}

/** What the trip's output tells the station. */
function told(kind: 'public-key' | 'signature', stdout: string): string {
  const lines = stdout.split('\n').map(readBirthLine);
  return lines.find((line) => line?.kind === kind)?.base64 ?? '';
}

const make = () => trip([makeConfigDirectory(), makeKeyPair()]);
const modeOf = (path: string): number => statSync(root.on(path)).mode & 0o7777;
const contentOf = (path: string): string => readFileSync(root.on(path), 'utf8');

it('makes a pair of 2048 bits, prints its public half alone, and leaves the other to root', () => {
  const { stdout, status } = make();
  expect(status).toBe(0);
  const publicKey = createPublicKey(publicKeyPem(told('public-key', stdout)));
  expect(publicKey.asymmetricKeyType).toBe('rsa');
  expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
  const pem = contentOf(bornKeyPath);
  expect(pem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  expect(modeOf(bornKeyPath)).toBe(0o600);
  // The first lines hold the modulus, which is the public half.
  for (const line of pem.trim().split('\n').slice(8, -1)) expect(stdout).not.toContain(line);
});

it('signs a login that the public half verifies, and then becomes a key file of the usual shape', () => {
  const { stdout } = make();
  const publicKey = createPublicKey(publicKeyPem(told('public-key', stdout)));
  const pem = contentOf(bornKeyPath);
  const signed = trip([signWithBornKey("he'ader.$(payload)")]);
  const signature = Buffer.from(told('signature', signed.stdout), 'base64');
  expect(verify('sha256', Buffer.from("he'ader.$(payload)"), publicKey, signature)).toBe(true);
  const key = { keyId: 'k"1', userId: '39', publicBase64: told('public-key', stdout) };
  expect(trip([makeConfigDirectory(), adoptBornKey(key)]).status).toBe(0);
  expect(JSON.parse(contentOf(keyPath))).toEqual({
    ...{ type: 'serviceaccount', keyId: 'k"1', key: pem, userId: '39' },
  });
  expect(createPrivateKey((JSON.parse(contentOf(keyPath)) as { key: string }).key).type).toBe('private');
  expect(modeOf(keyPath)).toBe(0o640);
  expect(readdirSync(dirname(root.on(keyPath))).sort()).toEqual(['.restart-needed', 'zitadel-key.json']);
});

it('a second pair takes the place of one that was left', () => {
  const [first, second] = [make(), make()].map(({ stdout }) => told('public-key', stdout));
  expect(second).not.toBe(first);
  expect(second).not.toBe('');
});

it('does without where openssl fails: no file, no public key, and the trip goes on', () => {
  root.standIn('openssl', 'exit 1');
  const { stdout, status } = make();
  expect(status).toBe(0);
  expect(told('public-key', stdout)).toBe('');
  expect(stdout).toContain('openssl made no key');
  expect(existsSync(root.on(bornKeyPath))).toBe(false);
});

it('refuses to put a key in place that is gone, and leaves the old one', () => {
  root.write(keyPath, 'old', 0o640);
  const { status } = trip([
    makeConfigDirectory(),
    adoptBornKey({ keyId: 'k1', userId: '39', publicBase64: '' }),
  ]);
  expect(status).toBe(EXIT_OBSTRUCTED);
  expect(contentOf(keyPath)).toBe('old');
});

it('refuses a key that is not the registered one: another station had the device make another meanwhile', () => {
  root.write(keyPath, 'old', 0o640);
  const registered = told('public-key', make().stdout);
  make();
  const adopt = adoptBornKey({ keyId: 'k1', userId: '39', publicBase64: registered });
  const { status, stdout } = trip([makeConfigDirectory(), adopt]);
  expect(commandFailure('key-config', status ?? 0, stdout).code).toBe('DEVICE_ENROLLED_ELSEWHERE');
  expect(contentOf(keyPath)).toBe('old');
});

it('is cleared away by a minted key that comes instead', () => {
  make();
  const hash = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
  expect(trip([makeConfigDirectory(), receiveMachineKey(1, hash)], 'x').status).toBe(0);
  expect(existsSync(root.on(bornKeyPath))).toBe(false);
});

it('takes no line for a key that is none', () => {
  for (const line of ['public-key', 'signature a b', `public-key ${'A'.repeat(3000)}`, 'public-key $(x)'])
    expect(readBirthLine(line)).toBeUndefined();
  expect(readBirthLine('signature ')).toEqual({ kind: 'signature', base64: '' });
});

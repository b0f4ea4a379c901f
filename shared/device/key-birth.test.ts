import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { commandFailure } from './command-failure.ts';
import { makeConfigDirectory, receiveMachineKey } from './commands.ts';
import { EXIT_OBSTRUCTED } from './exit-status.ts';
import { composeTrip, type Fragment } from './fragment.ts';
import {
  adoptBornKey,
  makeKeyPair,
  publicKeyPem,
  readBirthLine,
  signWithBornKey,
  signWithHeldKey,
} from './key-birth.ts';
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

const PAIR = '0d9e9f6c-0000-4000-8000-000000000001';
const OTHER = '0d9e9f6c-0000-4000-8000-000000000002';
const make = (pair = PAIR) => trip([makeKeyPair(pair)]);
const waiting = () => readdirSync(root.on('/run')).filter((name) => name.endsWith('.pem'));
const uptimeSeconds = () => Number.parseInt(readFileSync('/proc/uptime', 'utf8'), 10);
const modeOf = (path: string): number => statSync(root.on(path)).mode & 0o7777;
const contentOf = (path: string): string => readFileSync(root.on(path), 'utf8');

it('makes a pair of 2048 bits, prints its public half alone, and leaves the other to root', () => {
  const { stdout, status } = make();
  expect(status).toBe(0);
  const publicKey = createPublicKey(publicKeyPem(told('public-key', stdout)));
  expect(publicKey.asymmetricKeyType).toBe('rsa');
  expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
  const pem = contentOf(bornKeyPath(PAIR));
  expect(pem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  expect(modeOf(bornKeyPath(PAIR))).toBe(0o600);
  // The first lines hold the modulus, which is the public half.
  for (const line of pem.trim().split('\n').slice(8, -1)) expect(stdout).not.toContain(line);
});

it('signs a login that the public half verifies, and then becomes a key file of the usual shape', () => {
  const { stdout } = make();
  const publicKey = createPublicKey(publicKeyPem(told('public-key', stdout)));
  const pem = contentOf(bornKeyPath(PAIR));
  const signed = trip([signWithBornKey(PAIR, "he'ader.$(payload)")]);
  const signature = Buffer.from(told('signature', signed.stdout), 'base64');
  expect(verify('sha256', Buffer.from("he'ader.$(payload)"), publicKey, signature)).toBe(true);
  const key = { keyId: 'k"1', userId: '39', pair: PAIR, publicBase64: told('public-key', stdout) };
  expect(trip([makeConfigDirectory(), adoptBornKey(key)]).status).toBe(0);
  expect(JSON.parse(contentOf(keyPath))).toEqual({
    ...{ type: 'serviceaccount', keyId: 'k"1', key: pem, userId: '39' },
  });
  expect(createPrivateKey((JSON.parse(contentOf(keyPath)) as { key: string }).key).type).toBe('private');
  expect(modeOf(keyPath)).toBe(0o640);
  expect(readdirSync(dirname(root.on(keyPath))).sort()).toEqual(['.restart-needed', 'zitadel-key.json']);
});

it('a second pair of one name takes the place of the first', () => {
  const [first, second] = [make(), make()].map(({ stdout }) => told('public-key', stdout));
  expect(second).not.toBe(first);
  expect(second).not.toBe('');
});

it('two stations have a pair each, and the one whose key is put in place first clears the other away', () => {
  const registered = told('public-key', make().stdout);
  const others = told('public-key', make(OTHER).stdout);
  expect(waiting()).toHaveLength(2);
  const signed = told('signature', trip([signWithBornKey(PAIR, 'login')]).stdout);
  const isOf = (publicBase64: string) =>
    verify('sha256', Buffer.from('login'), publicKeyPem(publicBase64), Buffer.from(signed, 'base64'));
  expect([isOf(registered), isOf(others)]).toEqual([true, false]);
  const adopt = adoptBornKey({ keyId: 'k1', userId: '39', pair: PAIR, publicBase64: registered });
  expect(trip([makeConfigDirectory(), adopt]).status).toBe(0);
  expect(waiting()).toEqual([]);
});

it.each([
  ['an hour old, and of another station', 3600, 1],
  ['a day old by the uptime of the device', 24 * 3600 + 60, 0],
] as const)(
  'a pair that waits, %s, is there or not after the next one was made',
  (_what, ageSeconds, left) => {
    make(OTHER);
    const bornAt = 200_000 - ageSeconds;
    // Of /proc/uptime: the device has been up for longer than any pair waits.
    root.standIn('cut', 'echo 200000');
    utimesSync(root.on(bornKeyPath(OTHER)), bornAt, bornAt);
    make();
    expect(waiting()).toHaveLength(1 + left);
  },
);

it('no set clock makes a pair look old', () => {
  make();
  const bornAt = Math.floor(statSync(root.on(bornKeyPath(PAIR))).mtimeMs / 1000);
  expect(Math.abs(bornAt - uptimeSeconds())).toBeLessThan(60);
});

it('does without where openssl fails: no file, no public key, and the trip goes on', () => {
  root.standIn('openssl', 'exit 1');
  const { stdout, status } = make();
  expect(status).toBe(0);
  expect(told('public-key', stdout)).toBe('');
  expect(stdout).toContain('openssl made no key');
  expect(existsSync(root.on(bornKeyPath(PAIR)))).toBe(false);
});

it('refuses to put a key in place that is gone, and leaves the old one', () => {
  root.write(keyPath, 'old', 0o640);
  const { status } = trip([
    makeConfigDirectory(),
    adoptBornKey({ keyId: 'k1', userId: '39', pair: PAIR, publicBase64: '' }),
  ]);
  expect(status).toBe(EXIT_OBSTRUCTED);
  expect(contentOf(keyPath)).toBe('old');
});

it('refuses a key that is not the registered one: another station had the device make another meanwhile', () => {
  root.write(keyPath, 'old', 0o640);
  const registered = told('public-key', make().stdout);
  // The same name by mistake: what counts is the key.
  make();
  const adopt = adoptBornKey({ keyId: 'k1', userId: '39', pair: PAIR, publicBase64: registered });
  const { status, stdout } = trip([makeConfigDirectory(), adopt]);
  expect(commandFailure('key-config', status ?? 0, stdout).code).toBe('DEVICE_ENROLLED_ELSEWHERE');
  expect(contentOf(keyPath)).toBe('old');
});

it('is cleared away by a minted key that comes instead', () => {
  make();
  const hash = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
  expect(trip([makeConfigDirectory(), receiveMachineKey(1, hash)], 'x').status).toBe(0);
  expect(existsSync(root.on(bornKeyPath(PAIR)))).toBe(false);
});

it.each(['born', 'minted'])('signs a login with a %s key that is in place', (origin) => {
  const publicBase64 = told('public-key', make().stdout);
  const key = { keyId: 'k1', userId: '39', pair: PAIR, publicBase64 };
  expect(trip([makeConfigDirectory(), adoptBornKey(key)]).status).toBe(0);
  const content = JSON.parse(contentOf(keyPath)) as Record<string, string>;
  // A minted file may be laid out in any way, and holds more.
  if (origin === 'minted')
    root.write(keyPath, JSON.stringify({ expirationDate: '2027', ...content }, undefined, 2), 0o640);
  const { stdout, status } = trip([signWithHeldKey("he'ader.$(payload)")]);
  expect(status).toBe(0);
  const signature = Buffer.from(told('signature', stdout), 'base64');
  expect(verify('sha256', Buffer.from("he'ader.$(payload)"), publicKeyPem(publicBase64), signature)).toBe(
    true,
  );
  expect(readdirSync(root.on('/run'))).toEqual([]);
  for (const line of (content.key ?? '').split('\n').slice(8, -2)) expect(stdout).not.toContain(line);
});

it('signs nothing where there is no key, one that is none, or no openssl', () => {
  expect(told('signature', trip([signWithHeldKey('login')]).stdout)).toBe('');
  root.write(keyPath, '{"key":"-----BEGIN nonsense"}', 0o640);
  expect(trip([signWithHeldKey('login')])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^signature $/m),
  });
});

it('takes no line for a key that is none', () => {
  for (const line of ['public-key', 'signature a b', `public-key ${'A'.repeat(3000)}`, 'public-key $(x)'])
    expect(readBirthLine(line)).toBeUndefined();
  expect(readBirthLine('signature ')).toEqual({ kind: 'signature', base64: '' });
});

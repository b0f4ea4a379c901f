/// <reference path="./bcrypt-pbkdf.d.ts" />
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import bcrypt from 'bcrypt-pbkdf';
import { afterAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../model/secret.ts';
import { deriveKey } from './derive-key.ts';
import { readKeyFile, UnusableKeyError } from './key-file.ts';
import { createKeyRing } from './key-ring.ts';
import { unlockKey, WrongPassphraseError } from './unlock-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a key with ssh-keygen and gives its text and its public half's second word. */
function keygen(name: string, ...args: readonly string[]): { readonly text: string; readonly blob: string } {
  const file = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-C', 'test', '-f', file, ...args]);
  return {
    text: readFileSync(file, 'utf8'),
    blob: readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '',
  };
}

/** A signal of its own for every waiter, as every device has. */
const alone = () => new AbortController().signal;

const passphrase = 'correct hörse';
const kinds = [
  ['ed25519', ['-t', 'ed25519']],
  ['rsa-3072', ['-t', 'rsa', '-b', '3072']],
  ['ecdsa-256', ['-t', 'ecdsa', '-b', '256']],
  ['ecdsa-384', ['-t', 'ecdsa', '-b', '384']],
  ['ecdsa-521', ['-t', 'ecdsa', '-b', '521']],
  ['rsa-pem', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
  ['ecdsa-pem', ['-t', 'ecdsa', '-m', 'PEM']],
  ['rsa-pkcs8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8']],
  ['ecdsa-pkcs8', ['-t', 'ecdsa', '-m', 'PKCS8']],
] as const;

describe('keys as ssh-keygen makes them', () => {
  it.each(kinds)('opens %s, with a passphrase and without', async (name, args) => {
    const plain = keygen(`${name}-plain`, ...args, '-N', '');
    const file = readKeyFile(plain.text);
    expect(file.encrypted).toBe(false);
    const key = await unlockKey(file, '');
    expect(key.getPublicSSH().toString('base64')).toBe(plain.blob);
    expect(key.isPrivateKey()).toBe(true);

    const locked = keygen(`${name}-locked`, ...args, '-N', passphrase, '-a', '2');
    const lockedFile = readKeyFile(locked.text);
    expect(lockedFile.encrypted).toBe(true);
    const opened = await unlockKey(lockedFile, passphrase);
    expect(opened.getPublicSSH().toString('base64')).toBe(locked.blob);
    await expect(unlockKey(lockedFile, 'wrong')).rejects.toBeInstanceOf(WrongPassphraseError);
  });

  it.each(['aes128-ctr', 'aes256-cbc', 'aes256-gcm@openssh.com', 'aes128-gcm@openssh.com'])(
    'opens a key that is encrypted with %s',
    async (cipher) => {
      const { text, blob } = keygen(
        `cipher-${cipher}`,
        '-t',
        'ed25519',
        '-N',
        passphrase,
        '-a',
        '1',
        '-Z',
        cipher,
      );
      const file = readKeyFile(text);
      expect((await unlockKey(file, passphrase)).getPublicSSH().toString('base64')).toBe(blob);
      await expect(unlockKey(file, 'wrong')).rejects.toBeInstanceOf(WrongPassphraseError);
    },
  );

  it('opens an ed25519 key in PKCS#8, which ssh2 cannot read', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    for (const encryption of [{}, { cipher: 'aes-256-cbc', passphrase }]) {
      const text = privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString();
      const key = await unlockKey(readKeyFile(text), passphrase);
      const { x = '' } = publicKey.export({ format: 'jwk' });
      expect(key.getPublicSSH().subarray(-32).toString('base64url')).toBe(x);
      const signature = key.sign(Buffer.from('data'));
      expect(key.verify(Buffer.from('data'), signature)).toBe(true);
    }
  });

  it('says in words what it cannot use', async () => {
    const cipher = keygen(
      'chacha',
      '-t',
      'ed25519',
      '-N',
      'x',
      '-a',
      '1',
      '-Z',
      'chacha20-poly1305@openssh.com',
    );
    await expect(unlockKey(readKeyFile(cipher.text), 'x')).rejects.toThrow(/chacha20.*ssh-keygen -p/);
    const dsa = keygen('some', '-t', 'ed25519', '-N', '');
    const table: [string, RegExp][] = [
      ['PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n', /PuTTY/],
      [`ssh-ed25519 ${dsa.blob} bench\n`, /public key/],
      ['-----BEGIN DSA PRIVATE KEY-----\nxx\n-----END DSA PRIVATE KEY-----\n', /DSA/],
      ['---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n', /another SSH program/],
      ['-----BEGIN CERTIFICATE-----\nxx\n', /certificate/],
      ['hello', /not a private key/],
      ['', /not a private key/],
      ['-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n', /damaged/],
      [skKeyText(), /security key/],
    ];
    for (const [text, says] of table) {
      const reading = () => readKeyFile(text);
      expect(reading, text).toThrow(UnusableKeyError);
      expect(reading, text).toThrow(says);
    }
    const broken = readKeyFile('-----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE KEY-----\n');
    await expect(unlockKey(broken, '')).rejects.toThrow(/damaged/);
    const x25519 = generateKeyPairSync('x25519')
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    await expect(unlockKey(readKeyFile(x25519), '')).rejects.toThrow(/x25519/);
  });

  it('reads a key however its lines end, and cut off at any place says that it is damaged', () => {
    const { text } = keygen('lines', '-t', 'ed25519', '-N', '');
    expect(readKeyFile(`\uFEFF${text.replaceAll('\n', '\r\n')}`).form).toBe('openssh');
    const lines = text.trim().split('\n');
    const cut = [...lines.slice(0, 2), lines.at(-1)].join('\n');
    expect(() => readKeyFile(cut)).toThrow(/damaged/);
  });
});

/** What the file of a security key begins with; it needs the device to be made. */
function skKeyText(): string {
  const field = (text: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, Buffer.from(text)]);
  };
  const blob = field('sk-ssh-ed25519@openssh.com').toString('latin1');
  const bytes = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[field('none'), field('none'), field(''), Buffer.from([0, 0, 0, 1])],
    ...[field(blob), field('')],
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${bytes.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

describe('deriving', () => {
  it('gives what the library gives in one go, for every length', async () => {
    const salt = Buffer.from('0123456789abcdef');
    const pass = Buffer.from(passphrase);
    for (const [rounds, length] of [
      [1, 1],
      [2, 32],
      [3, 48],
      [2, 100],
    ] as const) {
      const expected = new Uint8Array(length);
      bcrypt.pbkdf(pass, pass.length, salt, salt.length, expected, length, rounds);
      expect(await deriveKey(pass, salt, rounds, length)).toEqual(Buffer.from(expected));
    }
  });

  it('leaves the thread to others in between', async () => {
    const { text } = keygen('slow', '-t', 'ed25519', '-N', 'x', '-a', '16');
    let turns = 0;
    let over = false;
    const count = () => {
      turns += 1;
      if (!over) setImmediate(count);
    };
    count();
    await unlockKey(readKeyFile(text), 'x');
    over = true;
    // Sixteen rounds for each of two blocks.
    expect(turns).toBeGreaterThanOrEqual(30);
  });
});

describe('the key ring', () => {
  it('opens a file once for a passphrase, however many wait, and remembers that one was wrong', async () => {
    const { text } = keygen('ring', '-t', 'ed25519', '-N', 'x', '-a', '8');
    const file = readKeyFile(text);
    const ring = createKeyRing();
    const secret = new Secret('x');
    const keys = await Promise.all(Array.from({ length: 50 }, () => ring.open(text, file, secret, alone())));
    expect(new Set(keys).size).toBe(1);
    // Another entry of the same passphrase is another key: it is forgotten with its own batch.
    expect(await ring.open(text, file, new Secret('x'), alone())).not.toBe(keys[0]);
    const wrong = new Secret('y');
    const first = ring.open(text, file, wrong, alone());
    await expect(first).rejects.toBeInstanceOf(WrongPassphraseError);
    // Another try would leave the thread to others in between.
    const outcomes: unknown[] = [];
    const others = new Promise<void>((resolve) => setImmediate(() => resolve(void outcomes.push('others'))));
    await ring.open(text, file, wrong, alone()).catch((thrown: unknown) => outcomes.push(thrown));
    await others;
    expect(outcomes).toEqual([expect.any(WrongPassphraseError), 'others']);
  });

  it('lets one that waits give up without stopping the work for the others', async () => {
    const { text } = keygen('abort', '-t', 'ed25519', '-N', 'x', '-a', '8');
    const file = readKeyFile(text);
    const ring = createKeyRing();
    const secret = new Secret('x');
    const stop = new AbortController();
    const leaving = ring.open(text, file, secret, stop.signal);
    const staying = ring.open(text, file, secret, alone());
    stop.abort(new Error('stopped'));
    await expect(leaving).rejects.toThrow('stopped');
    expect((await staying).isPrivateKey()).toBe(true);
  });
});

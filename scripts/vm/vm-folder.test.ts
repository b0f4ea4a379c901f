import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hostKeyFingerprint } from '#shared/adapters/ssh/fingerprint.ts';
import { fingerprint, freshKeyPair, keyBlob, knownHostsLine } from './keys.ts';
import { describeVm, freshPassword, VmFolder, type VmRecord, vmNames } from './vm-folder.ts';

let cache: string;
beforeEach(() => {
  cache = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-vm-folder-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  fs.rmSync(cache, { recursive: true, force: true });
});

const record: VmRecord = {
  image: { file: '/images/debian.qcow2', format: 'qcow2' },
  ...{ port: 2_222, instanceId: 'muster-1', hostKey: 'ssh-ed25519 AAAA root@pi', sudoPassword: 'secret' },
};

test('a VM is there once its record is written', () => {
  const folder = new VmFolder('pi');
  expect(folder.record()).toBeUndefined();
  expect(vmNames()).toEqual([]);
  folder.claim();
  expect(folder.record()).toBeUndefined();
  expect(describeVm(folder)).toBe('pi  not finished');
  folder.writeRecord(record);
  expect(new VmFolder('pi').record()).toEqual(record);
  expect(fs.readFileSync(folder.knownHosts, 'utf8')).toBe('[127.0.0.1]:2222 ssh-ed25519 AAAA\n');
  expect(vmNames()).toEqual(['pi']);
});

test('keys and passwords are for their owner only', () => {
  const folder = new VmFolder('pi');
  folder.claim();
  const publicKey = folder.makeLoginKey();
  folder.writeRecord(record);
  const rights = (file: string): number => fs.statSync(path.join(folder.path, file)).mode & 0o777;
  expect([rights('.'), rights('id_ed25519'), rights('vm.json')]).toEqual([0o700, 0o600, 0o600]);
  expect(fs.readFileSync(folder.privateKey, 'utf8')).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  expect(publicKey).toMatch(/^ssh-ed25519 \S+ muster-vm-pi$/);
});

test('one process at a time, and a dead one does not count', () => {
  const folder = new VmFolder('pi');
  const claim = folder.claim();
  expect(folder.owner()).toBe(process.pid);
  expect(() => new VmFolder('pi').claim()).toThrow(/runs already/);
  claim.release();
  expect(folder.owner()).toBeUndefined();
  fs.writeFileSync(path.join(folder.path, 'running'), '999999999');
  expect(folder.owner()).toBeUndefined();
  folder.claim().release();
});

test('beginning anew leaves nothing but the claim', () => {
  const folder = new VmFolder('pi');
  const claim = folder.claim();
  folder.makeLoginKey();
  folder.writeRecord(record);
  folder.empty();
  expect(fs.readdirSync(folder.path)).toEqual(['running']);
  claim.release();
});

test('a record that was damaged is named, with the way out', () => {
  const folder = new VmFolder('pi');
  folder.claim();
  for (const text of ['{}', '{"image":']) {
    fs.writeFileSync(path.join(folder.path, 'vm.json'), text);
    expect(() => folder.record()).toThrow(/cannot be read/);
  }
});

test('the list shows state, target, image and host key', () => {
  const folder = new VmFolder('pi');
  const claim = folder.claim();
  const { publicKey } = freshKeyPair('root@pi');
  folder.writeRecord({ ...record, hostKey: publicKey });
  expect(describeVm(folder)).toBe(
    `pi  running (process ${process.pid})  ssh://pi@127.0.0.1:2222  debian.qcow2  ${fingerprint(publicKey)}`,
  );
  claim.release();
  expect(describeVm(folder)).toContain('pi  stopped  ');
});

test('keys are fresh, and their fingerprint is the one the station shows', () => {
  const [one, other] = [freshKeyPair('a'), freshKeyPair('a')];
  expect(one.publicKey).not.toBe(other.publicKey);
  expect(fingerprint(one.publicKey)).toBe(hostKeyFingerprint(keyBlob(one.publicKey)));
  expect(knownHostsLine('127.0.0.1', 22, one.publicKey)).toMatch(/^\[127\.0\.0\.1\]:22 ssh-ed25519 \S+\n$/);
  expect(freshPassword()).toMatch(/^[a-z2-9]{12}$/);
  expect(freshPassword()).not.toBe(freshPassword());
});

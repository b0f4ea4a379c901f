import { describe, expect, test } from 'vitest';
import { metaData, type SeedInput, seedImage, userData } from './seed.ts';

const input: SeedInput = {
  hostname: 'bench-7',
  instanceId: 'muster-1',
  user: 'pi',
  authorizedKey: 'ssh-ed25519 AAAA muster-vm',
  hostKey: {
    privateKey: '-----BEGIN X-----\nbytes: "#quoted"\n-----END X-----\n',
    publicKey: 'ssh-ed25519 BBBB',
  },
};

/** cloud-init looks at the first line, and reads the rest as YAML, which JSON is. */
function parse(text: string) {
  const [first, ...rest] = text.split('\n');
  return { first, config: JSON.parse(rest.join('\n')) };
}

describe('the seed', () => {
  test('lets the key in, and no password', () => {
    const { first, config } = parse(userData(input));
    expect(first).toBe('#cloud-config');
    expect(config.ssh_pwauth).toBe(false);
    expect(config.disable_root).toBe(true);
    expect(config.users).toHaveLength(1);
    expect(config.users[0]).toMatchObject({ name: 'pi', ssh_authorized_keys: [input.authorizedKey] });
  });

  test('gives sudo without a password, as Raspberry Pi OS does', () => {
    const [user] = parse(userData(input)).config.users;
    expect(user).toMatchObject({ sudo: 'ALL=(ALL) NOPASSWD: ALL', lock_passwd: true });
    expect(user).not.toHaveProperty('plain_text_passwd');
  });

  test('or with one, which still does not log in', () => {
    const { config } = parse(userData({ ...input, sudoPassword: 'a"b\\c: #' }));
    expect(config.users[0]).toMatchObject({
      ...{ sudo: 'ALL=(ALL) ALL', lock_passwd: false, plain_text_passwd: 'a"b\\c: #' },
    });
    expect(config.ssh_pwauth).toBe(false);
  });

  test('gives the host key, to the letter', () => {
    expect(parse(userData(input)).config.ssh_keys).toEqual({
      ed25519_private: input.hostKey.privateKey,
      ed25519_public: input.hostKey.publicKey,
    });
  });

  test('names the machine and this making of it', () => {
    expect(JSON.parse(metaData(input))).toEqual({ 'instance-id': 'muster-1', 'local-hostname': 'bench-7' });
    expect(parse(userData(input)).config.hostname).toBe('bench-7');
  });

  test('is a small volume with the label that cloud-init looks for', () => {
    const image = Buffer.from(seedImage(input));
    expect(image.length).toBe(4 * 1024 * 1024);
    expect(image.subarray(43, 54).toString()).toBe('CIDATA     ');
  });
});

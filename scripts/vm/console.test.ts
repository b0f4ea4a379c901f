import { describe, expect, test } from 'vitest';
import { lastLines, milestonesIn } from './console.ts';
import { howToReach, word } from './reach.ts';

const boot = [
  'EFI stub: Booting Linux Kernel...',
  '[    0.000000] Linux version 6.1.0-50-cloud-arm64 (debian-kernel@lists.debian.org)',
  'Welcome to \u001b[1mDebian GNU/Linux 12 (bookworm)\u001b[0m!',
  "[   73.07] cloud-init[263]: Cloud-init v. 22.4.2 running 'init-local' at Wed",
  '',
  'pi login: ',
].join('\r\n');

describe('the console', () => {
  test('tells how far the boot is', () => {
    expect(milestonesIn('')).toEqual([]);
    expect(milestonesIn(boot.slice(0, 110))).toEqual(['Linux starts']);
    expect(milestonesIn(boot)).toEqual(['Linux starts', 'Debian starts', 'cloud-init sets it up']);
  });

  test('is quoted without colours and without what a terminal would obey', () => {
    expect(lastLines(boot, 2)[1]).toBe('pi login:');
    expect(lastLines(boot, 3)[0]).toBe('Welcome to Debian GNU/Linux 12 (bookworm)!');
    const [hostile] = lastLines('\u001b]0;owned\u0007x', 1);
    expect(hostile).not.toContain('\u001b');
    expect(hostile).not.toContain('\u0007');
  });
});

describe('how to reach it', () => {
  const folder = {
    ...{ name: 'pi', privateKey: '/vm/pi/id_ed25519', knownHosts: '/vm/pi/known_hosts' },
    console: '/vm/pi/console.log',
  };
  const record = {
    image: { file: '/image', format: 'raw' as const },
    ...{ port: 2_223, instanceId: 'x', hostKey: 'ssh-ed25519 AAAA' },
  };

  test('is one line for SSH and one for enrolling', () => {
    const text = howToReach(folder, record, false);
    expect(text).toContain(
      'ssh -i /vm/pi/id_ed25519 -o IdentitiesOnly=yes -o UserKnownHostsFile=/vm/pi/known_hosts -p 2223 pi@127.0.0.1\n',
    );
    expect(text).toContain(
      'muster enroll --target ssh://pi@127.0.0.1:2223 --device-id pi --profile PROFILE.toml\n',
    );
    expect(text).toMatch(/host key +SHA256:\S+ \(ED25519\)\n/);
    expect(text).toContain('asks for no password');
    expect(howToReach(folder, { ...record, sudoPassword: 'abc' }, false)).toContain('asks for abc');
  });

  test('does not promise a network that was cut off', () => {
    expect(howToReach(folder, record, false)).toContain('10.0.2.2');
    expect(howToReach(folder, record, true)).not.toContain('10.0.2.2');
  });

  test('is fit for a shell', () => {
    expect(word('/plain/path')).toBe('/plain/path');
    expect(word("/it's here")).toBe(String.raw`'/it'\''s here'`);
  });
});

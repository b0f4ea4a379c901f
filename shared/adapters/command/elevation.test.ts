import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineCommand, type ElevationMethod } from '../../device/device-command.ts';
import { Secret } from '../../model/secret.ts';
import { elevationFailure, frameCommand } from './elevation.ts';

const sudo: ElevationMethod = { kind: 'sudo' };
const withPassword: ElevationMethod = { kind: 'sudo-password', password: new Secret('pässwort') };

describe('framing', () => {
  it('puts nothing but the length of the script into the words', () => {
    const command = defineCommand('t', "echo 'ä'; $(reboot)", { asRoot: true });
    expect(frameCommand(command, { kind: 'none' }).argv).toEqual(['/bin/sh', '-c', 'eval "$(head -c 20)"']);
    const plain = frameCommand(command, sudo);
    const asSudo = ['env', 'LC_ALL=C', 'sudo'];
    expect(plain.argv).toEqual([
      ...[...asSudo, '-n', '/bin/sh', '-c'],
      `echo ${plain.marks?.ready}; eval "$(head -c 20)"`,
    ]);
    expect(plain.passwordLine).toBeUndefined();
    const { argv, marks } = frameCommand(command, withPassword);
    expect(argv).toEqual([
      ...[...asSudo, '-S', '-k', '-p', marks?.prompt, '/bin/sh', '-c'],
      `echo ${marks?.ready}; until { IFS= read -r l || exit 1; [ "$l" = ${marks?.ready} ]; }; do :; done; ` +
        'unset l; eval "$(head -c 20)"',
    ]);
    expect(frameCommand(command, withPassword).marks?.ready).not.toBe(marks?.ready);
  });

  it('counts bytes, and the password goes ahead of the script only where sudo may take it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (script, asRoot) => {
        const command = defineCommand('t', script, { asRoot });
        const { argv, prologue, passwordLine, marks } = frameCommand(command, withPassword);
        const bytes = Buffer.from(script, 'utf8');
        expect(argv.at(-1)).toContain(`head -c ${bytes.length})`);
        expect(passwordLine?.toString()).toBe(asRoot ? 'pässwort\n' : undefined);
        const before = Buffer.from(asRoot ? `${marks?.ready}\n` : '', 'utf8');
        expect(prologue.equals(Buffer.concat([before, bytes]))).toBe(true);
        expect(argv.includes('sudo')).toBe(asRoot);
        expect(argv.join(' ')).not.toContain('pässwort');
      }),
    );
  });

  it.each([{ kind: 'none' } as const, sudo, withPassword])(
    'uses no character that a shell reads between single quotes (%o)',
    (method) => {
      const { argv } = frameCommand(defineCommand('t', "'\\!", { asRoot: true }), method);
      // fish takes the backslash, tcsh the exclamation mark and the line break.
      for (const word of argv) expect(word).toMatch(/^[^'\\!\n]+$/);
    },
  );
});

describe('what sudo says', () => {
  const failed = (method: ElevationMethod, stderr: string, started = false) =>
    elevationFailure(method, { exitStatus: 1, stderr, started }, {})?.code;

  it.each([
    [sudo, 'sudo: a password is required\n', 'DEVICE_SUDO_PASSWORD_NEEDED'],
    [sudo, 'noise of a login script\nsudo: a password is required\n', 'DEVICE_SUDO_PASSWORD_NEEDED'],
    [withPassword, 'Sorry, try again.\nsudo: no password was provided\n', 'DEVICE_SUDO_REFUSED'],
    [withPassword, 'sudo: a password is required\n', 'DEVICE_SUDO_REFUSED'],
    [withPassword, 'pi is not in the sudoers file.\n', 'DEVICE_SUDO_REFUSED'],
    [
      sudo,
      "Sorry, user pi is not allowed to execute '/bin/sh' as root on press-07.\n",
      'DEVICE_SUDO_REFUSED',
    ],
    [sudo, 'sudo: sorry, you must have a tty to run sudo\n', 'DEVICE_SUDO_REFUSED'],
    [sudo, "env: 'sudo': No such file or directory\n", 'DEVICE_SUDO_REFUSED'],
    [withPassword, 'Es ist etwas anderes passiert.\n', 'DEVICE_SUDO_REFUSED'],
  ] as const)('%o %j', (method, stderr, code) => {
    expect(failed(method, stderr)).toBe(code);
  });

  it('a script that began and failed is no failure of sudo, whatever it says', () => {
    for (const method of [sudo, withPassword])
      expect(failed(method, 'sudo: a password is required\n', true)).toBeUndefined();
    expect(failed({ kind: 'none' }, 'sudo: a password is required\n')).toBeUndefined();
  });
});

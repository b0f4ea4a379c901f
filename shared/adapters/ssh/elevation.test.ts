import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineCommand, type ElevationMethod } from '../../device/device-command.ts';
import { Secret } from '../../model/secret.ts';
import { elevationFailure, frameCommand } from './elevation.ts';

const sudo: ElevationMethod = { kind: 'sudo' };
const withPassword: ElevationMethod = { kind: 'sudo-password', password: new Secret('pässwort') };

describe('framing', () => {
  it('puts nothing but the length of the script into the exec string', () => {
    const command = defineCommand('t', "echo 'ä'; $(reboot)", { asRoot: true });
    expect(frameCommand(command, { kind: 'none' }).exec).toBe(`exec /bin/sh -c 'eval "$(head -c 20)"'`);
    expect(frameCommand(command, sudo).exec).toBe(`exec sudo -n /bin/sh -c 'eval "$(head -c 20)"'`);
    const { exec, login } = frameCommand(command, withPassword);
    const { prompt = '', ready = '' } = login?.marks ?? {};
    expect(exec).toBe(
      `exec sudo -S -k -p ${prompt} /bin/sh -c 'echo ${ready}; ` +
        `while { IFS= read -r l || exit 1; [ "$l" != ${ready} ]; }; do :; done; unset l; eval "$(head -c 20)"'`,
    );
    expect(frameCommand(command, withPassword).login?.marks.ready).not.toBe(ready);
  });

  it('counts bytes, and the password goes ahead of the script only where sudo may take it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (script, asRoot) => {
        const command = defineCommand('t', script, { asRoot });
        const { exec, prologue, login } = frameCommand(command, withPassword);
        const bytes = Buffer.from(script, 'utf8');
        expect(exec).toContain(`head -c ${bytes.length})`);
        expect(login?.passwordLine.toString()).toBe(asRoot ? 'pässwort\n' : undefined);
        const before = Buffer.from(asRoot ? `${login?.marks.ready}\n` : '', 'utf8');
        expect(prologue.equals(Buffer.concat([before, bytes]))).toBe(true);
        expect(exec.includes('sudo')).toBe(asRoot);
        expect(exec).not.toContain('pässwort');
      }),
    );
  });
});

describe('what sudo says', () => {
  const failed = (method: ElevationMethod, stderr: string, exitStatus = 1, stdout = '') =>
    elevationFailure(method, { exitStatus, stdout, stderr }, {})?.code;

  it.each([
    [sudo, 'sudo: a password is required\n', 'DEVICE_SUDO_PASSWORD_NEEDED'],
    [withPassword, 'Sorry, try again.\nsudo: 3 incorrect password attempts\n', 'DEVICE_SUDO_REFUSED'],
    [withPassword, 'Sorry, try again.\nsudo: no password was provided\n', 'DEVICE_SUDO_REFUSED'],
    [withPassword, 'pi is not in the sudoers file.\n', 'DEVICE_SUDO_REFUSED'],
    [
      sudo,
      "Sorry, user pi is not allowed to execute '/bin/sh' as root on press-07.\n",
      'DEVICE_SUDO_REFUSED',
    ],
    [sudo, 'sudo: sorry, you must have a tty to run sudo\n', 'DEVICE_SUDO_REFUSED'],
    [withPassword, 'Es ist etwas anderes passiert.\n', 'DEVICE_SUDO_REFUSED'],
    [withPassword, 'sudo: 3 Fehlversuche bei der Passwort-Eingabe\n', 'DEVICE_SUDO_REFUSED'],
  ] as const)('%o %j', (method, stderr, code) => {
    expect(failed(method, stderr)).toBe(code);
  });

  it('a script that ran and failed is no failure of sudo', () => {
    expect(failed(sudo, 'dpkg: error\n')).toBeUndefined();
    expect(failed(sudo, 'sudo: a password is required\n', 1, 'output of the script')).toBeUndefined();
    expect(failed(sudo, 'sudo: a password is required\n', 100)).toBeUndefined();
    const started = { exitStatus: 1, stdout: '', stderr: 'Sorry, try again.\n', started: true };
    expect(elevationFailure(withPassword, started, {})).toBeUndefined();
    expect(failed({ kind: 'none' }, 'sudo: a password is required\n')).toBeUndefined();
  });
});

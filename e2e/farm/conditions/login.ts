import { sshAnnouncement } from '../base-recipe.ts';
import type { DeviceFiles } from '../device-files.ts';
import type { Condition } from './condition.ts';

/** Settings of the SSH server that win over its own file: the first word on a setting counts (sshd_config(5)). */
const sshd = (files: DeviceFiles, name: string, lines: readonly string[]) =>
  files.write(`/etc/ssh/sshd_config.d/10-${name}.conf`, `${lines.join('\n')}\n`);

/** How one logs in and becomes root. */
export const loginConditions = {
  'sudo-password': {
    about: 'sudo asks for the password of the user',
    prepare: (files) => files.write('/etc/sudoers.d/pi', 'pi ALL=(ALL) ALL\n', { mode: 0o440 }),
  },
  'sudo-denied': {
    about: 'the user is not in the sudoers file',
    prepare: (files) => files.remove('/etc/sudoers.d/pi'),
  },
  'root-login': {
    about: 'one logs in as root, with the same key',
    login: { user: 'root' },
    prepare: async (files) => {
      const keys = files.read('/home/pi/.ssh/authorized_keys');
      await files.write('/root/.ssh/authorized_keys', keys, { mode: 0o600 });
      await files.run('chmod', '0700', '/root/.ssh');
      await sshd(files, 'root', ['PermitRootLogin yes']);
    },
  },
  'password-login': {
    about: 'no key is accepted, only the password',
    prepare: (files) =>
      sshd(files, 'password', [
        'PubkeyAuthentication no',
        'PasswordAuthentication yes',
        'KbdInteractiveAuthentication no',
      ]),
  },
  'keyboard-interactive': {
    about: 'only the keyboard-interactive method is accepted, which PAM answers with a password prompt',
    prepare: (files) =>
      sshd(files, 'keyboard', [
        'PubkeyAuthentication no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication yes',
        'UsePAM yes',
      ]),
  },
  'port-2222': {
    about: 'the SSH server listens on port 2222 only',
    login: { port: 2222 },
    prepare: async (files) => {
      await sshd(files, 'port', ['Port 2222']);
      await files.write('/etc/avahi/services/ssh.service', sshAnnouncement(2222));
    },
  },
} as const satisfies Record<string, Condition>;

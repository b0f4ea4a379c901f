import type { DeviceFiles } from '../device-files.ts';
import type { Condition } from './condition.ts';

/** Prints before anything else, also where nobody reads: no guard for interactive shells. */
const chatter = (where: string) => `
echo "Welcome to this device (${where})"
printf '\\033[1;32mall systems nominal\\033[0m\\n'
echo "${where}: warning: could not set locale" >&2
`;

async function makeNoisy(files: DeviceFiles): Promise<void> {
  for (const file of ['/home/pi/.bashrc', '/root/.bashrc']) {
    await files.write(file, `${chatter(file)}${files.read(file)}`);
  }
  await files.write('/etc/profile.d/noisy.sh', chatter('profile'));
  await files.write('/etc/motd', `${'*'.repeat(72)}\n* Property of the plant. Unauthorised use is logged.\n`);
  await files.write('/etc/ssh/banner', `${'='.repeat(72)}\n  Authorised staff only: übung, 設備\n`);
  await files.write('/etc/ssh/sshd_config.d/10-banner.conf', 'Banner /etc/ssh/banner\n');
}

/** What the user's shell is, and what it says. */
export const shellConditions = {
  'noisy-shell': {
    about: 'banner, motd and rc files print on both streams, on non-interactive shells as well',
    prepare: makeNoisy,
  },
  'fish-shell': {
    about: 'the login shell is fish, which is no POSIX shell',
    packages: ['fish'],
    prepare: async (files) => {
      await files.run('chsh', '--shell', '/usr/bin/fish', 'pi');
    },
  },
  'tcsh-shell': {
    about: 'the login shell is tcsh, of the C shell family',
    packages: ['tcsh'],
    prepare: async (files) => {
      await files.run('chsh', '--shell', '/bin/tcsh', 'pi');
    },
  },
} as const satisfies Record<string, Condition>;

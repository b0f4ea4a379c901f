import { fingerprint } from './keys.ts';
import { sshHost, sshUser, type VmFolder, type VmRecord } from './vm-folder.ts';

/** How a running VM is reached and enrolled, as text for the terminal. */
export function howToReach(
  folder: Pick<VmFolder, 'name' | 'privateKey' | 'knownHosts' | 'console'>,
  record: VmRecord,
  offline: boolean,
) {
  const target = `ssh://${sshUser}@${sshHost}:${record.port}`;
  const rows: readonly (readonly [string, string])[] = [
    [
      'log in',
      `ssh -i ${word(folder.privateKey)} -o IdentitiesOnly=yes -o UserKnownHostsFile=${word(folder.knownHosts)} -p ${record.port} ${sshUser}@${sshHost}`,
    ],
    ['host key', `${fingerprint(record.hostKey)} (ED25519)`],
    ['sudo', record.sudoPassword === undefined ? 'asks for no password' : `asks for ${record.sudoPassword}`],
    ['enroll', `muster enroll --target ${target} --device-id ${folder.name} --profile PROFILE.toml`],
    ['or', 'npm start -- --profile PROFILE.toml'],
    ['profile', `[ssh] private_key_file = ${JSON.stringify(folder.privateKey)}`],
    ['', `[[bench]] device_id = "${folder.name}", target = "${target}"`],
    [
      'network',
      offline
        ? 'none; only SSH from this computer gets in'
        : 'the VM reaches this computer, loopback too, at 10.0.2.2',
    ],
    ['console', folder.console],
    ['stop', `Ctrl-C, or: npm run vm -- stop --name ${folder.name}`],
  ];
  return `\n${rows.map(([name, text]) => `  ${name.padEnd(9)} ${text}`.trimEnd()).join('\n')}\n\n`;
}

/** A word of a shell's command line. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

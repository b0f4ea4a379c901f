import type { FarmDevice } from './farm.ts';

/** Arguments of ssh(1) up to the command, for a device of the farm; nothing is asked and nothing remembered. */
export function sshArguments(
  device: Pick<FarmDevice, 'address' | 'user' | 'sshPort' | 'privateKeyFile'>,
  address = device.address,
): readonly string[] {
  return [
    ...['-i', device.privateKeyFile, '-p', String(device.sshPort)],
    ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', '-o', 'IdentitiesOnly=yes'],
    ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
    `${device.user}@${address}`,
  ];
}

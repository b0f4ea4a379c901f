import { capture, type Outcome } from '../../scripts/setup/processes.mjs';
import { patienceMs } from './commands.ts';
import type { FarmDevice } from './farm.ts';

export interface SshOptions {
  readonly stdin?: string;
  readonly address?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly options?: readonly string[];
}

/** Arguments of ssh(1) up to the command, for a device of the farm; nothing is asked and nothing remembered. */
export function sshArguments(
  device: Pick<FarmDevice, 'address' | 'user' | 'sshPort' | 'privateKeyFile'>,
  address = device.address,
): readonly string[] {
  return [
    ...['-i', device.privateKeyFile, '-p', String(device.sshPort)],
    ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=60', '-o', 'IdentitiesOnly=yes'],
    ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
    `${device.user}@${address}`,
  ];
}

/**
 * What a command says on a device of the farm, by OpenSSH's own client; 124 when it is still not done after
 * `patienceMs`.
 * @param options further `options` of ssh(1), which win; `address` where it is not the device's first
 */
export function ssh(
  device: FarmDevice,
  command: string,
  { stdin, address, env, options = [] }: SshOptions = {},
): Promise<Outcome> {
  const args = [...options, ...sshArguments(device, address), command];
  return capture('ssh', args, { limitMs: patienceMs, ...(stdin && { stdin }), ...(env && { env }) });
}

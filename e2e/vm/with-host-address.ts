// with-host-address.ts command [arguments]: runs a command in a network of its own, in which this computer has an
// address that a VM can reach as well. Nothing leaves it, and it is gone with the command.
import { foreground } from '../../scripts/setup/processes.mjs';

/** Under this address the lab is the same for the station and, through QEMU's network, for the VM. */
export const hostAddress = '10.84.0.1';

if (process.argv[1] === import.meta.filename) {
  const lay = `ip link set lo up && ip address add ${hostAddress}/32 dev lo && exec "$@"`;
  const words = ['--pdeathsig', 'KILL', 'unshare', '--net', 'sh', '-c', lay, 'sh', ...process.argv.slice(2)];
  process.exitCode = await foreground('setpriv', words);
}

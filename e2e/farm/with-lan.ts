// with-lan.ts command [arguments]: runs a command inside the farm's network.
//
// The network, the mounts and the processes of the farm live in namespaces made for this one run. When it ends,
// however it ends, the kernel removes all of them: nothing is left over and nothing outside is touched.
import fs from 'node:fs';
import { foreground } from '../../scripts/setup/processes.mjs';
import { explain } from '../../scripts/setup/report.mjs';
import { farmAvailable } from './availability.ts';
import { buildBases } from './base-image.ts';
import { removeCgroups } from './cgroups.ts';
import { must } from './commands.ts';
import { createLan, farmFolder, insideLanVariable } from './lan.ts';

/** By this exit status `npm test` knows that real devices cannot be had here. */
const cannotRunHere = 77;
const innerWord = '--inside';

/** Outside: builds the base while there is still a network, then starts this script again in new namespaces. */
async function outside(command: readonly string[]): Promise<number> {
  const available = farmAvailable();
  if (!available.ok) {
    process.stdout.write(`\n*** SKIPPED: the tests against a real device. ${available.reason} ***\n\n`);
    return cannotRunHere;
  }
  await buildBases();
  const run = String(process.pid);
  const spaces = [
    '--net',
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const again = [process.execPath, ...process.execArgv, import.meta.filename, innerWord, ...command];
  try {
    // Tied to this process: killed with it, and with it everything inside.
    return await foreground('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...spaces, ...again], {
      env: { ...process.env, [insideLanVariable]: run },
    });
  } finally {
    removeCgroups(run); // The one thing that is not tied to a namespace.
  }
}

/** Inside: lays the network and runs the command in it. */
async function inside([program = '', ...args]: readonly string[]): Promise<number> {
  // The first keeps the machine's own named network namespaces unseen and unchanged, the second holds the devices.
  for (const folder of ['/run/netns', farmFolder]) {
    fs.mkdirSync(folder, { recursive: true });
    await must('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'muster-farm', folder]);
  }
  await createLan();
  return await foreground(program, args);
}

const [first, ...rest] = process.argv.slice(2);
try {
  process.exitCode = first === innerWord ? await inside(rest) : await outside(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`farm: ${explain(error)}\n`);
  process.exitCode = 1;
}

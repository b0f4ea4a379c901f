import path from 'node:path';
import process from 'node:process';
import { numberedDevices, startLab } from './lab.ts';
import { readLabArguments } from './lab-arguments.ts';
import { serveParent } from './serve-parent.ts';

/**
 * The lab as a process of its own beside the Station (`--lab`): starts everything, tells its parent where the
 * profile is, and ends with it.
 */
const projectRoot = path.resolve(import.meta.dirname, '../..');

const end = serveParent({
  parent: process.parentPort,
  start: async (signal, onProgress) => {
    const { dir, devices } = readLabArguments(process.argv.slice(2));
    const natsServer = process.env.MUSTER_NATS_SERVER ?? 'nats-server';
    return await startLab({
      dir,
      projectRoot,
      natsServer,
      signal,
      devices: numberedDevices(devices),
      onProgress,
    });
  },
  exit: (status) => process.exit(status),
});
process.once('SIGTERM', () => void end());
// Ctrl-C in a terminal reaches every process of the group; the parent ends this one in good order.
process.on('SIGINT', () => undefined);

import path from 'node:path';
import process from 'node:process';
import { numberedDevices, startLab } from './lab.ts';
import { readLabArguments } from './lab-arguments.ts';

/**
 * The lab as a process of its own beside the Station (`--lab`): starts everything, tells its parent where the
 * profile is, and ends with it.
 */
const projectRoot = path.resolve(import.meta.dirname, '../..');
const parent = process.parentPort;

async function main(): Promise<void> {
  const lifetime = new AbortController();
  const { dir, devices } = readLabArguments(process.argv.slice(2));
  const natsServer = process.env.MUSTER_NATS_SERVER ?? 'nats-server';
  const lab = await startLab({
    ...{ dir, projectRoot, natsServer, signal: lifetime.signal },
    devices: numberedDevices(devices),
    onProgress: (text) => parent.postMessage({ type: 'progress', text }),
  });
  const end = async (): Promise<void> => {
    await lab.stop();
    process.exit(0);
  };
  parent.on('message', () => void end());
  process.once('SIGTERM', () => void end());
  // Ctrl-C in a terminal reaches every process of the group; the parent ends this one in good order.
  process.on('SIGINT', () => undefined);
  parent.postMessage({ type: 'ready', profilePath: lab.profilePath });
}

main().catch((error: unknown) => {
  parent.postMessage({ type: 'failed', text: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
});

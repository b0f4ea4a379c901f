import path from 'node:path';
import { numberedDevices, startLab } from '../lab/lab.ts';
import { readLabArguments } from '../lab/lab-arguments.ts';

/** The lab in a process of its own, so that a bench measures the engine alone. Ends when its input ends. */
const { dir, devices } = readLabArguments(process.argv.slice(2));
const lifetime = new AbortController();
const lab = await startLab({
  ...{ dir, devices: numberedDevices(devices), signal: lifetime.signal },
  projectRoot: path.resolve(import.meta.dirname, '../..'),
  natsServer: process.env.MUSTER_NATS_SERVER ?? 'nats-server',
});
process.stdout.write(`${JSON.stringify({ profilePath: lab.profilePath })}\n`);
process.stdin.resume();
process.stdin.once('end', () => {
  lab.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});

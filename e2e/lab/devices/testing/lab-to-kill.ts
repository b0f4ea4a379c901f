import { START_TRIVIAL_AGENT } from './agent-life.ts';
import { Bench } from './bench.ts';
import { runOn } from './ssh-client.ts';

// A lab of one device with a running agent, for the test that kills a lab. Arguments: folder, mode.
const [dir, mode] = process.argv.slice(2);
if (dir === undefined || (mode !== 'namespace' && mode !== 'prefix'))
  throw new Error('usage: lab-to-kill DIR MODE');
const bench = new Bench();
const device = await bench.startOne({ dir, mode });
const client = await bench.connect(device);
const started = await runOn(client, 'sudo -n sh', START_TRIVIAL_AGENT);
if (started.code !== 0) throw new Error(started.stderr);
console.log(JSON.stringify((await device.processes()).map(({ pid }) => pid)));

import { parseArgs } from 'node:util';
import { runAgent } from './agent.ts';
import { AGENT_VERSION } from './device-info.ts';

const DEFAULT_CONFIG_PATH = '/etc/fleet-agent/config.toml';
const DEFAULT_INTERVAL_SECONDS = 10;
/** systemd waits much longer, but an operator does not. */
const STOP_LIMIT_MS = 800;

function log(line: string): void {
  process.stdout.write(`fleet-agent: ${line}\n`);
}

function intervalMs(): number {
  const seconds = Number(process.env.FLEET_AGENT_INTERVAL_SECONDS ?? DEFAULT_INTERVAL_SECONDS);
  return (Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_INTERVAL_SECONDS) * 1000;
}

function configPath(): string {
  const { values } = parseArgs({ options: { config: { type: 'string' } }, strict: false });
  return typeof values.config === 'string' ? values.config : DEFAULT_CONFIG_PATH;
}

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.once(name, () => {
    log(`stopping on ${name}`);
    stop.abort();
    setTimeout(() => process.exit(0), STOP_LIMIT_MS).unref();
  });
}

process.title = 'fleet-agent';
log(`${AGENT_VERSION} starting`);
void runAgent({
  configPath: configPath(),
  deviceRoot: process.env.MUSTER_DEVICE_ROOT ?? '',
  intervalMs: intervalMs(),
  log,
  signal: stop.signal,
}).then(
  () => process.exit(0),
  (error: unknown) => {
    log(`stopped by a fault of its own: ${error instanceof Error ? error.name : 'unknown'}`);
    process.exit(1);
  },
);

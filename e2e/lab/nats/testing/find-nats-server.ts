import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A `nats-server` for tests: `MUSTER_NATS_SERVER`, else on PATH, else what the set-up put into the cache. */
export function findNatsServer(): string | undefined {
  const { MUSTER_NATS_SERVER: named, PATH = '', XDG_CACHE_HOME } = process.env;
  const cache = join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'muster', 'nats-server');
  const cached = existsSync(cache) ? readdirSync(cache).sort().reverse() : [];
  return [
    ...(named ? [named] : []),
    ...PATH.split(delimiter)
      .filter(Boolean)
      .map((folder) => join(folder, 'nats-server')),
    ...cached.map((version) => join(cache, version, 'nats-server')),
  ].find((path) => existsSync(path));
}

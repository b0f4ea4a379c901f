import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createPorts } from '#shared/adapters/create-ports.ts';
import { type ProxyChoice, waysOfPac } from '#shared/adapters/http/proxy.ts';
import { openStationJournal } from '#shared/adapters/journal/journal.ts';
import { systemClock } from '#shared/adapters/system/clock.ts';
import { keepMemoryOutOfCoreFiles } from '#shared/adapters/system/core-dumps.ts';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import { createStation } from '#shared/engine/station.ts';
import { describeThrown } from '#shared/errors/enrollment-error.ts';
import { printable } from '#shared/model/printable.ts';
import { isLoopbackHost } from '#shared/model/profile.ts';
import { PROFILE_FILE } from '#shared/setup/set-up.ts';
import { type EngineArguments, readEngineArguments } from './arguments.ts';
import { failedStation, stationWithoutProfile } from './failed-station.ts';
import { EngineHost, type HostedStation } from './host.ts';
import { SetUpDesk } from './set-up-desk.ts';

/*
 * The engine process: puts the core together with its adapters and speaks for it with the main process.
 */

const PROFILE_LIMIT_MS = 10_000;

process.umask(0o077);
keepMemoryOutOfCoreFiles(process.platform);
// Ctrl-C in a terminal reaches every process of the group; the main process ends this one in good order.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);

const { parentPort } = process;
const host = new EngineHost({
  port: {
    post: (message) => parentPort.postMessage(message),
    onMessage: (listener) => parentPort.on('message', ({ data }) => listener(data)),
  },
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  exit: (status) => process.exit(status),
  warn: (event, error) => {
    const stack = error instanceof Error ? error.stack : undefined;
    process.stderr.write(
      `muster-engine: ${printable(`${event}: ${stack ?? describeThrown(error)}`, { keepNewlines: true })}\n`,
    );
  },
});

/** The system's own ways; nothing on this computer is behind a proxy. */
const proxyFor: ProxyChoice = async (url) =>
  isLoopbackHost(url.hostname) ? ['direct'] : waysOfPac(await host.resolveProxy(url.origin));

/** The station on real adapters; one that cannot be made shows why. */
async function compose({ userDataDir, version, profile: file }: EngineArguments): Promise<HostedStation> {
  const stationName = os.hostname();
  try {
    const profile = await loadProfile(file, AbortSignal.timeout(PROFILE_LIMIT_MS));
    const ports = createPorts({
      ...{ profile, userDataDir, openJournal: openStationJournal },
      openBrowser: (url) => host.openBrowser(url),
      proxyFor,
    });
    const station = createStation({
      ports,
      profile,
      stationName,
      version,
      isAttended: true,
      publish: (delta) => host.publish(delta),
      publishLog: (deviceId, lines) => host.publishLog(deviceId, lines),
    });
    // Not awaited: taking up a remembered sign-in may wait for the provider, and shows its own state.
    void station.start();
    return station;
  } catch (thrown) {
    const nobodyMadeOne = file === path.join(userDataDir, PROFILE_FILE) && !existsSync(file);
    return (nobodyMadeOne ? stationWithoutProfile : failedStation)(stationName, version, thrown);
  }
}

const given = readEngineArguments(process.argv.slice(2));
const setUp = new SetUpDesk({
  userDataDir: given.userDataDir,
  publish: (view) => host.publishSetUp(view),
  proxyFor,
  clock: systemClock,
});
void compose(given).then((station) => host.serve({ station, setUp }));

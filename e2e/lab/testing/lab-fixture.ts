import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemoryTokenCache } from '#shared/adapters/keychain/memory-token-cache.ts';
import type { EnrollmentRow, LogLine, StationDelta } from '#shared/model/station-state.ts';
import { buildAgent, defaultAgentFolder } from '../../../scripts/build-agent.ts';
import type { RehearsalDeviceRequest } from '../devices/model.ts';
import { type Lab, type LabOptions, startLab } from '../lab.ts';
import { LabStation } from '../lab-station.ts';
import { findNatsServer } from '../nats/testing/find-nats-server.ts';

export const projectRoot = path.resolve(import.meta.dirname, '../../..');

/** A lab and a station on it, for one test. */
export interface LabFixture {
  readonly dir: string;
  readonly lab: Lab;
  readonly station: LabStation;
  /** Everything the station published, as JSON text, for looking for what must not be there. */
  published(): string;
  /** Ends the station and opens a new one on the same folder, as a restart does. */
  restart(): Promise<LabStation>;
  /** Opens a new station on the same folder, after the test itself has closed the one before. */
  reopen(): Promise<LabStation>;
  row(deviceId: string): EnrollmentRow;
  stop(): Promise<void>;
}

/** Starts a lab with these devices and a station that has not signed in yet. */
export async function startLabFixture(
  devices: readonly RehearsalDeviceRequest[],
  options: Partial<LabOptions> = {},
): Promise<LabFixture> {
  const natsServer = findNatsServer();
  if (natsServer === undefined) throw new Error('There is no nats-server here. Run the tests with: npm test');
  if (!existsSync(path.join(defaultAgentFolder, 'fleet-agent-x86_64'))) await buildAgent();
  const dir = await mkdtemp(path.join(tmpdir(), 'muster-lab-'));
  const lifetime = new AbortController();
  const published: string[] = [];
  const lab = await startLab({
    ...{ dir: path.join(dir, 'lab'), projectRoot, natsServer, devices, signal: lifetime.signal },
    ...{ aptSeconds: 0.2, heartbeatLimitSeconds: 90 },
    ...options,
  });
  const open = (): Promise<LabStation> =>
    LabStation.open({
      ...{ profilePath: lab.profilePath, userDataDir: path.join(dir, 'station'), version: '0.0.0' },
      ...{ tokenCache: createMemoryTokenCache(), signal: lifetime.signal },
      onDelta: (delta: StationDelta) => published.push(JSON.stringify(delta)),
      onLog: (_deviceId: string, lines: readonly LogLine[]) => published.push(JSON.stringify(lines)),
    });
  const fixture = {
    dir,
    lab,
    station: await open(),
    published: () => published.join('\n'),
    restart: async () => {
      await fixture.station.close();
      return fixture.reopen();
    },
    reopen: async () => {
      fixture.station = await open();
      return fixture.station;
    },
    row: (deviceId: string) => {
      const row = fixture.station.state.rows[deviceId];
      if (row === undefined) throw new Error(`There is no row for ${deviceId}.`);
      return row;
    },
    stop: async () => {
      await fixture.station.close();
      await lab.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return fixture;
}

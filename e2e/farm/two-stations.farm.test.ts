import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemoryTokenCache } from '#shared/adapters/keychain/memory-token-cache.ts';
import type { Faults } from '../lab/identity/faults.ts';
import { LabStation } from '../lab/lab-station.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectEnrolled, stateOf } from './device-truth.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { logOf, putOnBench } from './farm-bench.ts';
import { gateReached, openGate, putGate } from './gate.ts';
import { stationAddress } from './lan.ts';

const signal = AbortSignal.timeout(1_800_000);

/** Lets one request through only when the test says so. */
class HeldRequest {
  readonly #isIt: (path: string) => boolean;
  #isArmed = false;
  #release: (() => void) | undefined;
  #arrive: (() => void) | undefined;
  /** Resolves when the request is there. */
  readonly arrived = new Promise<void>((resolve) => {
    this.#arrive = resolve;
  });

  constructor(isIt: (path: string) => boolean) {
    this.#isIt = isIt;
  }

  readonly faults: Faults = {
    before: async ({ method, path: at }) => {
      if (!this.#isArmed || method !== 'POST' || !this.#isIt(at)) return undefined;
      this.#isArmed = false;
      this.#arrive?.();
      await new Promise<void>((resolve) => {
        this.#release = resolve;
      });
      return undefined;
    },
  };

  /** The next one is held. */
  arm(): void {
    this.#isArmed = true;
  }

  release(): void {
    this.#release?.();
  }
}

describe.skipIf(!farmAvailable().ok)('two stations with one device on their benches', () => {
  const mint = new HeldRequest((at) => at.endsWith('/keys'));
  let fixture: LabFixture;
  let other: LabStation;
  let device: FarmDevice;
  let held: FarmDevice;

  beforeAll(async () => {
    [fixture, device, held] = await Promise.all([
      startLabFixture([], {
        ...{ host: stationAddress, heartbeatLimitSeconds: 300, identityFaults: mint.faults },
      }),
      startFarmDevice({ name: 'contested', packages: 'installed' }),
      startFarmDevice({ name: 'held', packages: 'installed' }),
    ]);
    await putOnBench(
      fixture,
      [
        { deviceId: 'contested', device },
        { deviceId: 'held', device: held },
      ],
      { signal },
    );
    other = await LabStation.open({
      ...{ profilePath: fixture.lab.profilePath, userDataDir: path.join(fixture.dir, 'other-station') },
      ...{ version: '0.0.0', tokenCache: createMemoryTokenCache(), signal },
    });
    await other.signIn(signal);
  }, 600_000);
  afterAll(async () => {
    mint.release();
    await other?.close();
    await fixture?.stop();
    await Promise.all([device, held].map((one) => one?.stop()));
  });

  /** Enrolls one device of a station's bench. */
  async function enroll(station: LabStation, deviceId: string): Promise<void> {
    const rowIds = station.state.bench.filter((row) => row.deviceId === deviceId).map((row) => row.rowId);
    await station.station.handle('batch.start', { rowIds });
    await station.station.whenBatchIdle();
  }

  test('the one that comes late is refused by the device, takes its key back and finds all done', async () => {
    // All but the key is in its place. The held request is given up after 15 s; until then the other has to be done,
    // and so it gets as little to do as can be.
    await enroll(other, 'contested');
    await device.exec('rm /etc/fleet-agent/zitadel-key.json');
    mint.arm();
    const late = enroll(fixture.station, 'contested');
    await mint.arrived;
    await enroll(other, 'contested');
    expect(other.state.rows.contested?.error).toBeUndefined();
    const [before, { mutations }] = [await stateOf(device), fixture.lab.identity.inspect()];
    mint.release();
    await late;
    const log = await logOf(fixture, 'contested');
    expect(fixture.row('contested').state, log).toBe('enrolled');
    expect(log).toContain('another station has given the device a key meanwhile, looking again');
    expect(log).toContain('The new key was deleted again.');
    expect(await stateOf(device)).toBe(before);
    expect((await device.exec('cat /etc/fleet-agent/enrollment-epoch')).stdout).toBe('2\n');
    const after = fixture.lab.identity.inspect().mutations;
    expect(after['key.registered']).toBe((mutations['key.registered'] ?? 0) + 1);
    expect(after['key.deleted']).toBe((mutations['key.deleted'] ?? 0) + 1);
    await expectEnrolled(device, 'contested', fixture.lab);
  }, 600_000);

  test('one that finds the other at work is told who it is, and changes nothing', async () => {
    await putGate(held, 'user');
    const first = enroll(fixture.station, 'held');
    await expect.poll(() => gateReached(held), { timeout: 300_000, interval: 100 }).toBe(true);
    await enroll(other, 'held');
    expect(other.state.rows.held?.error).toMatchObject({ code: 'DEVICE_BUSY', retry: 'now' });
    expect(other.state.rows.held?.error?.says).toContain('lab');
    await openGate(held);
    await first;
    expect(fixture.row('held').state, await logOf(fixture, 'held')).toBe('enrolled');
    await expectEnrolled(held, 'held', fixture.lab);
    const before = await stateOf(held);
    await enroll(other, 'held');
    expect(other.state.rows.held?.error).toBeUndefined();
    expect(await stateOf(held)).toBe(before);
  }, 600_000);
});

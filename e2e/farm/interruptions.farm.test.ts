import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectEnrolled, stateOf } from './device-truth.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { logOf, putOnBench } from './farm-bench.ts';
import { type GatedStep, gatedSteps, gateReached, openGate, putGate } from './gate.ts';
import { stationAddress } from './lan.ts';

const LINK_CUT_MS = 10_000;
const patience = { timeout: 300_000, interval: 200 };

/**
 * One device for every step, each held by a gate in the middle of its own step while all are enrolled at once. What
 * happens to them there happens at that very point, however slow the machine is.
 */
describe.skipIf(!farmAvailable().ok)('an enrollment that is interrupted in each of its steps', () => {
  const signal = AbortSignal.timeout(3_000_000);
  const devices = new Map<GatedStep, FarmDevice>();
  let fixture: LabFixture;

  beforeAll(async () => {
    [fixture] = await Promise.all([
      startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 600 }),
      ...gatedSteps.map(async (step, index) => {
        const packages = step === 'packages' ? 'offered' : 'installed';
        const suite = index % 2 === 0 ? 'bookworm' : 'trixie';
        devices.set(step, await startFarmDevice({ name: `held-${step}`, suite, packages }));
      }),
    ]);
  }, 600_000);
  afterAll(async () => {
    await fixture?.stop();
    await Promise.all([...devices.values()].map((device) => device.stop()));
  });

  const deviceOf = (step: GatedStep): FarmDevice => {
    const device = devices.get(step);
    if (device === undefined) throw new Error(`There is no device for ${step}.`);
    return device;
  };
  const eachDevice = (act: (device: FarmDevice, step: GatedStep) => Promise<unknown>) =>
    Promise.all(gatedSteps.map((step) => act(deviceOf(step), step)));
  const idOf = (step: GatedStep, round: string): string => `${step}-${round}`;
  /** Gates on all devices, a station with all of them on its bench, and a batch that stands before every gate. */
  async function enrollUpToTheGates(round: string): Promise<{ readonly ended: Promise<void> }> {
    await eachDevice(putGate);
    const rows = gatedSteps.map((step) => ({ deviceId: idOf(step, round), device: deviceOf(step) }));
    await putOnBench(fixture, rows, { signal });
    const ended = fixture.station.enrollAll();
    await Promise.race([
      eachDevice((device, step) =>
        expect.poll(() => gateReached(device), { ...patience, message: `gate of ${step}` }).toBe(true),
      ),
      // Nobody ends before its gate; should one do so, its error says more than a gate that is not reached.
      ended.then(() => expect(fixture.station.state.rows).toBe('a batch that stands before its gates')),
    ]);
    for (const step of gatedSteps) {
      const running = fixture.row(idOf(step, round)).steps.filter(({ state }) => state === 'running');
      expect(running.map(({ id }) => id)).toContain(step);
    }
    return { ended };
  }

  async function expectAllEnrolled(round: string): Promise<void> {
    for (const step of gatedSteps) {
      const id = idOf(step, round);
      const row = fixture.row(id);
      expect(row.state, `${id}: ${JSON.stringify(row.error)}\n${await logOf(fixture, id)}`).toBe('enrolled');
    }
    await eachDevice((device, step) => expectEnrolled(device, idOf(step, round), fixture.lab));
  }

  async function expectAgainChangesNothing(round: string): Promise<void> {
    const before = await eachDevice(stateOf);
    const mutations = fixture.lab.identity.inspect().mutations;
    await fixture.station.enrollAll();
    for (const step of gatedSteps) expect(fixture.row(idOf(step, round)).state).toBe('enrolled');
    expect(await eachDevice(stateOf)).toEqual(before);
    expect(fixture.lab.identity.inspect().mutations).toEqual(mutations);
  }

  test('by a link that is gone for ten seconds: the same enrollment ends enrolled', async () => {
    const { ended } = await enrollUpToTheGates('cut');
    await eachDevice((device) => device.cutLink());
    await eachDevice(openGate);
    await new Promise((resolve) => setTimeout(resolve, LINK_CUT_MS));
    await eachDevice((device) => device.restoreLink());
    await ended;
    await expectAllEnrolled('cut');
    for (const step of gatedSteps) expect(fixture.row(idOf(step, 'cut')).attempt).toBe(1);
    await expectAgainChangesNothing('cut');
  }, 900_000);

  test('by a reboot of the device: the same enrollment ends enrolled', async () => {
    await eachDevice((device) => device.reset());
    const { ended } = await enrollUpToTheGates('reboot');
    await eachDevice((device) => device.reboot());
    await ended;
    await expectAllEnrolled('reboot');
    for (const step of gatedSteps) {
      const id = idOf(step, 'reboot');
      expect(fixture.row(id).attempt).toBe(1);
      // While it waits for the heartbeat a station needs no connection, and notices nothing.
      if (step !== 'heartbeat')
        expect(await logOf(fixture, id)).toContain('the device has restarted: another boot id');
    }
    await expectAgainChangesNothing('reboot');
  }, 900_000);

  test('by a power cut, with the station stopped: the next run converges', async () => {
    await eachDevice((device) => device.reset());
    const { ended } = await enrollUpToTheGates('power');
    await eachDevice((device) => device.powerCut());
    await fixture.station.close();
    await ended;
    await eachDevice((device) => device.start());
    await fixture.reopen();
    await fixture.station.signIn(signal);
    await fixture.station.enrollAll();
    await expectAllEnrolled('power');
    await expectAgainChangesNothing('power');
  }, 900_000);
});

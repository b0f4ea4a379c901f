import { Boards } from '../engine/boards.ts';
import { DeviceLog } from '../engine/device-log.ts';
import type { EnrollmentInput } from '../engine/enrollment-context.ts';
import { EnrollmentRecord } from '../engine/enrollment-record.ts';
import { Fleet } from '../engine/fleet.ts';
import { asEnrollmentError } from '../engine/limits.ts';
import { runEnrollment } from '../engine/run-enrollment.ts';
import type { EnrollmentError } from '../errors/enrollment-error.ts';
import type { StepState } from '../model/enrollment.ts';
import { Secret } from '../model/secret.ts';
import type { EnrollmentRow, LogLine } from '../model/station-state.ts';
import { parseTarget } from '../model/target.ts';
import { buildProfile, deviceId } from './builders.ts';
import type { FakeWorld } from './fake-ports.ts';

/** How one run ended, and all that it showed. */
export interface EnrolledOnce {
  readonly error: EnrollmentError | undefined;
  readonly row: EnrollmentRow;
  readonly steps: Readonly<Record<string, StepState>>;
  readonly log: readonly LogLine[];
}

/** One run of one device, as the batch would start it, begun but not awaited. */
export function beginEnrollment(
  world: FakeWorld,
  address: string,
  changes: Partial<EnrollmentInput> = {},
): Promise<EnrolledOnce> {
  const ports = world.ports();
  const id = world.devices.get(address)?.deviceId ?? 'board-01';
  const target = parseTarget(`ssh://pi@${address}`);
  if (!target.ok) throw new Error(target.says);
  const log = new DeviceLog(world.clock, () => undefined);
  const record = new EnrollmentRecord(
    { clock: world.clock, log, publish: () => undefined },
    { deviceId: id, position: 1, target: address, address },
  );
  const life = new AbortController();
  const fleet = new Fleet(world.clock, { onHeartbeat: () => undefined, onLink: () => undefined });
  fleet.follow(world.heartbeats, life.signal).catch(() => undefined);
  record.start();
  const end = (error: EnrollmentError | undefined): EnrolledOnce => {
    life.abort();
    const { row } = record;
    return {
      ...{ error, row, log: log.lines() },
      steps: Object.fromEntries(row.steps.map((step) => [step.id, step.state])),
    };
  };
  const profile = buildProfile();
  const tokens = { accessToken: async () => new Secret('canary-token') };
  return runEnrollment({
    ...{ ports, profile, tokens, fleet, record, target: target.target, labels: profile.labels },
    deviceId: deviceId(id),
    credential: { user: 'pi' },
    sudoPassword: undefined,
    setClock: false,
    boards: new Boards(),
    holder: { id: 'this-station', station: 'Line 1' },
    identity: ports.createIdentityProvider(profile, tokens),
    signal: new AbortController().signal,
    ...changes,
  }).then(
    () => {
      record.finish('enrolled');
      return end(undefined);
    },
    (thrown: unknown) => {
      const error = asEnrollmentError(thrown);
      record.finish('failed', error);
      return end(error);
    },
  );
}

/** One run of one device to its end, with time moving as fast as it needs to. */
export function enrollOnce(
  world: FakeWorld,
  address: string,
  changes: Partial<EnrollmentInput> = {},
): Promise<EnrolledOnce> {
  return world.clock.run(beginEnrollment(world, address, changes));
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requiredPackages } from '../device/paths.ts';
import type { DeviceFacts } from '../model/facts.ts';
import type { Action } from '../steps/define-step.ts';
import { plannedSteps } from '../steps/index.ts';
import { buildDesired, convergedFacts, freshFacts } from '../testing/builders.ts';
import { deviceChanges, planEnrollment } from './plan-enrollment.ts';
import { groupIntoTrips, type Trip } from './trips.ts';

const desired = buildDesired();
const converged = convergedFacts(desired);

const hash = (right: string) => fc.constantFrom(undefined, right, 'f'.repeat(64));

/** Any device: nothing, something or everything of an enrollment on it. */
const anyFacts: fc.Arbitrary<DeviceFacts> = fc
  .record({
    missingPackages: fc.subarray([...requiredPackages]),
    agentUser: fc.record({
      ...{ exists: fc.boolean(), hasOwnGroup: fc.boolean(), hasHome: fc.boolean() },
      ...{ lingering: fc.boolean(), managerRunning: fc.boolean(), hasSubordinateIds: fc.boolean() },
      ...{ podmanSocketEnabled: fc.boolean(), podmanSocketListens: fc.boolean() },
    }),
    binarySha256: hash(desired.binary.sha256),
    configDirectoryRight: fc.boolean(),
    configSha256: hash(desired.config.sha256),
    unitSha256: hash(desired.unit.sha256),
    key: fc.option(
      fc.record({
        ...{ keyId: fc.constantFrom('k1', 'gone'), userId: fc.constantFrom('39', '40') },
        protectedRight: fc.boolean(),
      }),
      { nil: undefined },
    ),
    unit: fc.record({
      ...{ enabled: fc.boolean(), active: fc.boolean(), needsRestart: fc.boolean() },
      ...{ needsReload: fc.boolean(), hasForeignDropIns: fc.boolean() },
    }),
  })
  .map((changes) => freshFacts(changes));

/** The facts after a plan was performed: what each of its actions is for. */
function afterwards(facts: DeviceFacts, actions: readonly Action[]): DeviceFacts {
  let next = facts;
  const user = (change: Partial<DeviceFacts['agentUser']>): void => {
    next = { ...next, agentUser: { ...next.agentUser, ...change } };
  };
  for (const action of actions) {
    if (action.kind === 'upload') next = { ...next, binarySha256: desired.binary.sha256 };
    if (action.kind === 'deliver-key') next = { ...next, key: converged.key };
    if (action.kind !== 'run') continue;
    const { shows } = action.fragment;
    if (shows.startsWith('apt-get')) next = { ...next, missingPackages: [] };
    else if (shows.startsWith('useradd')) user({ exists: true, hasOwnGroup: true, hasHome: true });
    else if (shows.startsWith('usermod --add')) user({ hasSubordinateIds: true });
    else if (shows.startsWith('usermod --gid')) user({ hasOwnGroup: true });
    else if (shows.startsWith('usermod --home')) user({ hasHome: true });
    else if (shows.startsWith('loginctl')) user({ lingering: true, managerRunning: true });
    else if (shows.startsWith('systemctl --user'))
      user({ podmanSocketEnabled: true, podmanSocketListens: true });
    else if (shows.startsWith('install -d')) next = { ...next, configDirectoryRight: true };
    else if (shows.includes('config.toml')) next = { ...next, configSha256: desired.config.sha256 };
    else if (shows.startsWith('set aside'))
      next = { ...next, unit: { ...next.unit, hasForeignDropIns: false, needsReload: false } };
    else if (shows === 'systemctl daemon-reload')
      next = { ...next, unit: { ...next.unit, needsReload: false } };
    else if (shows.startsWith('write /etc/systemd'))
      next = { ...next, unitSha256: desired.unit.sha256, unit: { ...next.unit, needsReload: true } };
    else if (shows.startsWith('chown') && next.key)
      next = { ...next, key: { ...next.key, protectedRight: true } };
    else if (shows.includes(' enable '))
      next = { ...next, unit: { ...next.unit, enabled: true, needsReload: false } };
    else if (/ (re)?start /.test(shows))
      next = { ...next, unit: { ...next.unit, active: true, needsRestart: false } };
  }
  return next;
}

function actionsOf(facts: DeviceFacts): Action[] {
  return planEnrollment(facts, desired).flatMap((step) => (step.kind === 'pending' ? step.actions : []));
}

/** The actions of a trip, as the plan named them. */
function named(trip: Trip): string[] {
  if (trip.kind !== 'commands') return [trip.kind];
  return trip.segments.flatMap((segment) =>
    segment.parts.map((part) => (part.kind === 'receive-key' ? 'deliver-key' : part.fragment.shows)),
  );
}

describe('a plan', () => {
  it('is empty but for the heartbeat once it was performed, whatever the device was like', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const next = afterwards(facts, actionsOf(facts));
        expect(deviceChanges(planEnrollment(next, desired))).toEqual([]);
        expect(actionsOf(next).map((action) => action.kind)).toEqual(['wait-for-heartbeat']);
      }),
      { numRuns: 500 },
    );
  });

  it('restarts the agent exactly when something it was started with changes', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const steps = planEnrollment(facts, desired);
        const changed = deviceChanges(steps).some((id) => ['binary', 'key-config'].includes(id));
        const { needsRestart, needsReload, hasForeignDropIns } = facts.unit;
        const isOld =
          facts.unitSha256 !== desired.unit.sha256 || needsRestart || needsReload || hasForeignDropIns;
        const restarts = actionsOf(facts).filter(
          (action) => action.kind === 'run' && action.fragment.shows.startsWith('systemctl restart'),
        );
        expect(restarts).toHaveLength(changed || isOld ? 1 : 0);
      }),
    );
  });

  it('names every step once, in the order of the board', () => {
    const ids = planEnrollment(freshFacts(), desired).map((step) => step.id);
    expect(ids).toEqual(['packages', 'user', 'binary', 'key-config', 'unit', 'heartbeat']);
    expect(ids).toEqual(plannedSteps.map((step) => step.id));
  });

  it('says why a step is left out', () => {
    const without = { ...desired, watchesHeartbeats: false };
    expect(planEnrollment(converged, without).at(-1)).toMatchObject({ id: 'heartbeat', kind: 'skipped' });
    expect(deviceChanges(planEnrollment(converged, without))).toEqual([]);
  });
});

describe('the trips of a plan', () => {
  it('hold every action exactly once, in the order of the plan', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const planned = actionsOf(facts).map((action) =>
          action.kind === 'run' ? action.fragment.shows : action.kind,
        );
        expect(groupIntoTrips(planEnrollment(facts, desired)).flatMap(named)).toEqual(planned);
      }),
      { numRuns: 500 },
    );
  });

  it('keep each command with its step, and never two neighbouring exchanges of commands', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const steps = planEnrollment(facts, desired);
        const trips = groupIntoTrips(steps);
        for (const [index, trip] of trips.entries()) {
          if (trip.kind !== 'commands') continue;
          expect(trips[index + 1]?.kind).not.toBe('commands');
          for (const { step, parts } of trip.segments) {
            const own = steps.find(({ id }) => id === step);
            const actions = own?.kind === 'pending' ? own.actions : [];
            for (const part of parts)
              if (part.kind === 'fragment')
                expect(actions).toContainEqual({ kind: 'run', fragment: part.fragment });
          }
        }
        expect(trips.filter((trip) => trip.kind === 'commands').length).toBeLessThanOrEqual(3);
      }),
    );
  });

  it('are two exchanges of commands, an upload, a mint and the heartbeat on a fresh device', () => {
    const trips = groupIntoTrips(planEnrollment(freshFacts(), desired));
    expect(trips.map((trip) => trip.kind)).toEqual([
      ...['commands', 'upload', 'mint-key', 'commands', 'wait-for-heartbeat'],
    ]);
  });

  it('are none but the heartbeat on a device that is enrolled', () => {
    const trips = groupIntoTrips(planEnrollment(converged, desired));
    expect(trips).toEqual([{ kind: 'wait-for-heartbeat', step: 'heartbeat' }]);
  });
});

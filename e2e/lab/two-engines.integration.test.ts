import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyPath } from '#shared/device/paths.ts';
import { keyRealmOf } from '#shared/engine/key-realm.ts';
import { buildProfile } from '#shared/testing/builders.ts';
import { FakeClock } from '#shared/testing/fake-clock.ts';
import { FakeDevice } from '#shared/testing/fake-device.ts';
import { FakeHeartbeats } from '#shared/testing/fake-heartbeats.ts';
import { MemoryJournal } from '#shared/testing/memory-journal.ts';
import type { MachineKeyFile } from './proof/machine-login.ts';
import { logInWithKey } from './proof/machine-login.ts';
import { Life } from './proof/mortal.ts';
import { keyPairSource, type ProofLab, startProofLab } from './proof/proof-lab.ts';
import { ProofStation } from './proof/proof-station.ts';
import { seededChance } from './proof/seeded-chance.ts';
import { Wire } from './proof/wire.ts';

/** How many interleavings over each API, and the seed of the first: `MUSTER_RUNS=1 MUSTER_SEED=17` shows one again. */
const runs = Number(process.env.MUSTER_RUNS ?? 150);
const firstSeed = Number(process.env.MUSTER_SEED ?? 1);
/** Later than this computer's clock, so that the lab's searches have caught up. */
const AHEAD_MS = 3_600_000;
const HOUR_MS = 3_600_000;

/** How one meeting of the two ended, asked from the provider and from the device. */
interface Ending {
  readonly seed: number;
  /** Codes of the errors the two ended with, if any. */
  readonly errors: readonly (string | undefined)[];
  readonly users: number;
  readonly grants: number;
  /** Ids of keys that log in. */
  readonly liveKeys: readonly string[];
  readonly heldKey: string | undefined;
  /** The held key was born on the device where that makes keys, and minted elsewhere: none was taken for a rival's. */
  readonly isOfRightOrigin: boolean;
  /** The device's agent has logged in with the key it holds. */
  readonly isHeard: boolean;
  /** Key pairs left on the device that wait for a key id. */
  readonly waitingPairs: number;
  /** Open entries of both journals. */
  readonly openEntries: number;
  /** Keys that were made at all: more than one tells that the two really met. */
  readonly keysMade: number;
}

describe.each(['v1', 'v2'] as const)(
  'two engines that enroll one id at once, without a fault, over %s',
  (api) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'muster-two-engines-'));
    const makeKeyPair = keyPairSource(16);
    let lab: ProofLab;
    beforeAll(async () => {
      lab = await startProofLab(dir, makeKeyPair);
    });
    afterAll(async () => {
      await lab.stop();
      rmSync(dir, { recursive: true, force: true });
    });

    /** A world with one board and two stations; the seed decides how long everything takes, and so who comes first. */
    async function meet(seed: number): Promise<Ending> {
      const id = `${api}-${seed}`;
      const chance = seededChance(seed);
      const clock = new FakeClock(Date.now() + AHEAD_MS);
      const wire = new Wire(clock, chance);
      const heartbeats = new FakeHeartbeats(clock);
      const { provider } = lab;
      lab.serve({ clock, wire, faults: { before: () => undefined }, onRequest: () => undefined });
      const lag = (): number => Math.floor(chance() * 300);
      provider.control.setSearchLag({ users: lag(), keys: lag(), grants: lag() });

      let heardWith: string | undefined;
      const device: FakeDevice = new FakeDevice({
        ...{ deviceId: id, clock, makeKeyPair },
        beat: (name) => {
          const file = JSON.parse(device.files.get(keyPath)?.content ?? '{}') as MachineKeyFile;
          void clock
            .whileOutside(() => logInWithKey(provider.issuer, file, clock.nowMs()))
            .then((token) => {
              if (token === undefined) return;
              heardWith = file.keyId;
              heartbeats.beat(name, file.keyId);
            });
        },
      });
      device.canMakeKeys = chance() < 0.7;

      const { issuer, clientId: client_id, projectId: project_id, orgId: org_id } = provider;
      const profile = buildProfile({ identity: { issuer, client_id, project_id, org_id } });
      const realm = keyRealmOf(profile);
      const journals = [new MemoryJournal(), new MemoryJournal()];
      const stations = journals.map(
        (journal, index) =>
          new ProofStation({
            ...{ name: `station-${index}`, life: new Life(), journal, profile, clock, wire, api },
            ...{ devices: new Map([[id, device]]), heartbeats, tokens: lab.tokens(clock), fraction: chance },
          }),
      );
      const made = keysMade();
      try {
        const errors = await clock.run(Promise.all(stations.map((station) => station.enroll(id))), HOUR_MS);
        const { users, grants, keys } = provider.inspect();
        const ours = users.filter((user) => user.live && user.userName === `device-${id}`);
        const isOurs = ({ userId, live }: { userId: string; live: boolean }): boolean =>
          live && ours.some((user) => user.id === userId);
        return {
          ...{ seed, errors: errors.map((error) => error?.code), users: ours.length },
          grants: grants.filter(isOurs).length,
          liveKeys: keys.filter(isOurs).map((key) => key.id),
          isOfRightOrigin: keys
            .filter(isOurs)
            .every(({ origin }) => (origin === 'registered') === device.canMakeKeys),
          ...{ heldKey: device.keyId, isHeard: heardWith === device.keyId },
          waitingPairs: device.waitingPairs.length,
          openEntries: journals.reduce((sum, one) => sum + one.unsettledKeyIntents(realm).length, 0),
          keysMade: keysMade() - made,
        };
      } finally {
        for (const station of stations) station.close();
      }
    }

    const keysMade = (): number => lab.provider.inspect().mutations['key.registered'] ?? 0;

    it(
      'end with one user, one grant and one live key, which the device holds and reports with',
      async () => {
        const endings: Ending[] = [];
        for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) endings.push(await meet(seed));
        const wrong = endings.filter(
          (one) =>
            one.users !== 1 ||
            one.grants !== 1 ||
            one.liveKeys.join() !== one.heldKey ||
            !one.isOfRightOrigin ||
            !one.isHeard ||
            one.waitingPairs !== 0 ||
            one.openEntries !== 0 ||
            one.errors.some((code) => code !== undefined),
        );
        expect(wrong).toEqual([]);
        const met = endings.filter((one) => one.keysMade > 1).length;
        process.stdout.write(
          `${endings.length} meetings over ${api}; in ${met} both had a key made, and the later one took its own back\n`,
        );
        expect(met).toBeGreaterThan(runs > 20 ? 0 : -1);
      },
      60_000 + runs * 3_000,
    );
  },
);

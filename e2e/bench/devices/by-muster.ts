import path from 'node:path';
import { createPorts } from '#shared/adapters/create-ports.ts';
import { openStationJournal } from '#shared/adapters/journal/journal.ts';
import { createMemoryTokenCache } from '#shared/adapters/keychain/memory-token-cache.ts';
import { Boards } from '#shared/engine/boards.ts';
import { DeviceLog } from '#shared/engine/device-log.ts';
import { EnrollmentRecord } from '#shared/engine/enrollment-record.ts';
import { asEnrollmentError } from '#shared/engine/limits.ts';
import type { StationPorts } from '#shared/engine/ports.ts';
import { runEnrollment } from '#shared/engine/run-enrollment.ts';
import type { Profile } from '#shared/model/profile.ts';
import { Secret } from '#shared/model/secret.ts';
import { FakeIdentityProvider } from '#shared/testing/fake-identity-provider.ts';
import type { Contender, Contestant } from './payload.ts';

export interface MusterContestant extends Contestant {
  readonly ports: StationPorts;
  close(): Promise<void>;
}

/**
 * The engine with its real adapters for SSH, journal and files. The identity provider answers at once from memory
 * and there is no messaging: the others have neither.
 */
export function byMuster(profile: Profile, folder: string): MusterContestant {
  const tokens = { accessToken: async () => new Secret('no token at all') };
  const ports = createPorts({
    ...{
      profile,
      userDataDir: path.join(folder, 'station'),
      tokenCache: createMemoryTokenCache(),
      openJournal: openStationJournal,
    },
    openBrowser: async () => false,
  });
  const identity = new FakeIdentityProvider();
  identity.tokens = tokens;
  const holder = { id: 'bench', station: 'Bench' };
  const enrollOne = async ({ id, device }: Contender, boards: Boards, position: number): Promise<void> => {
    const log = new DeviceLog(ports.clock, () => undefined);
    const address = device.address;
    const record = new EnrollmentRecord(
      { clock: ports.clock, log, publish: () => undefined },
      { deviceId: id, position, target: `ssh://${device.user}@${address}`, address },
    );
    record.start();
    const target = { kind: 'ssh', user: device.user, host: address, port: device.sshPort } as const;
    try {
      await runEnrollment({
        ...{ ports, profile, tokens, record, target, boards, holder, identity, deviceId: id },
        ...{ labels: profile.labels, credential: { user: device.user }, sudoPassword: undefined },
        ...{ setClock: false, fleet: undefined, signal: AbortSignal.timeout(120_000) },
      });
    } catch (thrown) {
      const { code, evidence } = asEnrollmentError(thrown);
      throw new Error(`Muster, ${id}: ${code}\n${evidence ?? ''}`, { cause: thrown });
    }
  };
  return {
    name: 'Muster',
    ports,
    enroll: async (contenders) => {
      const boards = new Boards();
      await Promise.all(contenders.map((contender, index) => enrollOne(contender, boards, index + 1)));
    },
    close: () => ports.close(),
  };
}

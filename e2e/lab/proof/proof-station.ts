import { randomBytes, randomUUID } from 'node:crypto';
import { createHttpClient, type HttpClient } from '#shared/adapters/http/http.ts';
import { silentLogger } from '#shared/adapters/log/logger.ts';
import { createZitadelIdentityProvider } from '#shared/adapters/zitadel/identity-provider.ts';
import { Boards } from '#shared/engine/boards.ts';
import { DeviceLog } from '#shared/engine/device-log.ts';
import { EnrollmentRecord } from '#shared/engine/enrollment-record.ts';
import { Fleet } from '#shared/engine/fleet.ts';
import { asEnrollmentError } from '#shared/engine/limits.ts';
import { type MachineKeysContext, recoverKeys } from '#shared/engine/machine-keys.ts';
import type { Clock, IdentityProvider, Random, StationPorts } from '#shared/engine/ports.ts';
import { runEnrollment } from '#shared/engine/run-enrollment.ts';
import { EnrollmentError } from '#shared/errors/enrollment-error.ts';
import type { Profile } from '#shared/model/profile.ts';
import { parseTarget } from '#shared/model/target.ts';
import { deviceId } from '#shared/testing/builders.ts';
import type { FakeDevice } from '#shared/testing/fake-device.ts';
import type { FakeHeartbeats } from '#shared/testing/fake-heartbeats.ts';
import { fakeBinary, sha256 } from '#shared/testing/fake-ports.ts';
import { FakeSignInClient, FakeTokenCache } from '#shared/testing/fake-sign-in.ts';
import type { MemoryJournal } from '#shared/testing/memory-journal.ts';
import type { Life } from './mortal.ts';
import type { ProofLab } from './proof-lab.ts';

/** Half a second on the fast clock: making a pair on a busy computer takes its time. */
const TIME_LIMIT_MS = 30_000;

export interface ProofStationOptions {
  readonly name: string;
  readonly lab: Pick<ProofLab, 'tokens'>;
  readonly clock: Clock;
  readonly life: Life;
  /** Outlives the station. */
  readonly journal: MemoryJournal;
  readonly profile: Profile;
  readonly devices: ReadonlyMap<string, FakeDevice>;
  /** Undefined: nobody listens, and an enrollment ends with the second look. */
  readonly heartbeats: FakeHeartbeats | undefined;
  readonly fraction: () => number;
}

/** One life of a station: the real engine and the real adapter, over real HTTP. */
export class ProofStation {
  readonly options: ProofStationOptions;
  readonly #ports: StationPorts;
  readonly #identity: IdentityProvider;
  readonly #fleet: Fleet | undefined;
  readonly #boards = new Boards();
  readonly #http: HttpClient;
  readonly #open = new AbortController();

  constructor(options: ProofStationOptions) {
    this.options = options;
    const { lab, life, profile, heartbeats } = options;
    const clock = life.clock(options.clock);
    const journal = life.journal(options.journal);
    const random: Random = {
      uuid: () => randomUUID(),
      fraction: options.fraction,
      hex: (length) => randomBytes(length).toString('hex'),
    };
    this.#http = createHttpClient({ clock: options.clock, timeLimitMs: TIME_LIMIT_MS });
    const tokens = lab.tokens(options.clock);
    this.#identity = createZitadelIdentityProvider({
      ...{ profile, tokens, clock, random, logger: silentLogger, http: life.http(this.#http) },
    });
    this.#ports = {
      ...{ clock, random, journal, logger: silentLogger, sha256 },
      signIn: new FakeSignInClient(clock),
      tokenCache: new FakeTokenCache(),
      connector: {
        reachesThisComputer: false,
        connect: (target) =>
          life.wait(async () => {
            const address = target.kind === 'ssh' ? target.host : '';
            const device = options.devices.get(address);
            if (device === undefined || !device.answers)
              throw new EnrollmentError('DEVICE_UNREACHABLE', { details: { address } });
            return life.session(device.open('pi'));
          }),
      },
      binaries: { open: async (path, architecture) => fakeBinary(path, architecture) },
      createIdentityProvider: () => this.#identity,
      createHeartbeatWatch: () => heartbeats,
      openBrowser: async () => false,
      close: async () => undefined,
    };
    if (heartbeats === undefined) return;
    this.#fleet = new Fleet(clock, { onHeartbeat: () => undefined, onLink: () => undefined });
    this.#fleet.follow(heartbeats, this.#open.signal).catch(() => undefined);
  }

  /** One enrollment; the error it ended with, if any. Never comes back when the station dies. */
  async enroll(id: string): Promise<EnrollmentError | undefined> {
    const { profile, fraction, clock } = this.options;
    // Where other devices of a batch would have kept it from beginning.
    await this.#ports.clock.sleep(fraction() * 800, this.#open.signal);
    const parsed = parseTarget(`ssh://pi@${id}`);
    if (!parsed.ok) throw new Error(parsed.says);
    const log = new DeviceLog(clock, () => undefined);
    const record = new EnrollmentRecord(
      { clock, log, publish: () => undefined },
      { deviceId: id, position: 1, target: id, address: id },
    );
    record.start();
    try {
      await runEnrollment({
        ...{ ports: this.#ports, profile, fleet: this.#fleet, record, target: parsed.target, labels: {} },
        ...{ deviceId: deviceId(id), credential: { user: 'pi' }, sudoPassword: undefined, setClock: false },
        ...{ boards: this.#boards, holder: { id: this.options.name, station: this.options.name } },
        ...{ identity: this.#identity, tokens: this.options.lab.tokens(clock), signal: this.#open.signal },
      });
      return undefined;
    } catch (thrown) {
      // What a dead process throws nobody sees.
      if (!this.options.life.alive) return new Promise(() => undefined);
      return asEnrollmentError(thrown);
    }
  }

  recover(): Promise<{ deleted: number; undecided: number }> {
    return recoverKeys(this.#keys());
  }

  /** Entries that a recovery has to settle; those of a cut-off delivery wait for their device. */
  get unsettled(): readonly string[] {
    const { journal, profile } = this.options;
    return journal
      .unsettledKeyIntents(profile.identity.issuer)
      .map(({ state, deviceId: id }) => `${id} ${state}`);
  }

  close(): void {
    this.#open.abort(new Error('The world ends.'));
    this.#http.close();
  }

  #keys(): MachineKeysContext {
    const { clock, random, journal, logger } = this.#ports;
    const { issuer } = this.options.profile.identity;
    return { clock, random, journal, logger, identity: this.#identity, issuer };
  }
}

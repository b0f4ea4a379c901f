import { randomBytes, randomUUID } from 'node:crypto';
import { createHttpClient, type HttpClient } from '#shared/adapters/http/http.ts';
import { silentLogger } from '#shared/adapters/log/logger.ts';
import {
  createZitadelIdentityProvider,
  type ZitadelOptions,
} from '#shared/adapters/zitadel/identity-provider.ts';
import { Boards } from '#shared/engine/boards.ts';
import { decommissionDevice } from '#shared/engine/decommission.ts';
import { DeviceLog } from '#shared/engine/device-log.ts';
import type { EnrollmentInput, Rotation } from '#shared/engine/enrollment-context.ts';
import { EnrollmentRecord } from '#shared/engine/enrollment-record.ts';
import { Fleet } from '#shared/engine/fleet.ts';
import { keyRealmOf } from '#shared/engine/key-realm.ts';
import { asEnrollmentError } from '#shared/engine/limits.ts';
import { type MachineKeysContext, recoverKeys } from '#shared/engine/machine-keys.ts';
import type {
  AccessTokenSource,
  Clock,
  IdentityProvider,
  Random,
  StationPorts,
} from '#shared/engine/ports.ts';
import { runEnrollment } from '#shared/engine/run-enrollment.ts';
import { EnrollmentError } from '#shared/errors/enrollment-error.ts';
import type { Profile } from '#shared/model/profile.ts';
import type { DecommissionFinding } from '#shared/model/station-state.ts';
import { parseTarget } from '#shared/model/target.ts';
import { deviceId } from '#shared/testing/builders.ts';
import type { FakeDevice } from '#shared/testing/fake-device.ts';
import type { FakeHeartbeats } from '#shared/testing/fake-heartbeats.ts';
import { fakeBinary, sha256 } from '#shared/testing/fake-ports.ts';
import { FakeSignInClient, FakeTokenCache, FakeTokenCheck } from '#shared/testing/fake-sign-in.ts';
import type { MemoryJournal } from '#shared/testing/memory-journal.ts';
import type { Life } from './mortal.ts';
import type { Wire } from './wire.ts';

export interface ProofStationOptions {
  readonly name: string;
  readonly tokens: AccessTokenSource;
  readonly clock: Clock;
  readonly life: Life;
  /** Outlives the station. */
  readonly journal: MemoryJournal;
  readonly profile: Profile;
  /** By address. */
  readonly devices: ReadonlyMap<string, FakeDevice>;
  /** Undefined: nobody listens, and an enrollment ends with the second look. */
  readonly heartbeats: FakeHeartbeats | undefined;
  readonly fraction: () => number;
  /** Which generation of the API it speaks. The first one when left out, whatever the provider has. */
  readonly api?: ZitadelOptions['api'];
  /** Between it and the provider, and it and its devices. Nothing when left out: requests take the time they take. */
  readonly wire?: Wire;
}

/** What an enrollment may be asked for besides. */
export interface ProofWish {
  /** Where the board is, when it is not at its id. */
  readonly address?: string;
  readonly takeOver?: boolean;
  readonly rotation?: Rotation;
  /** Gets every line of the device's log. */
  readonly onLine?: (text: string) => void;
}

/** One life of a station: the real engine and the real adapter, over real HTTP. */
export class ProofStation {
  readonly options: ProofStationOptions;
  readonly #ports: StationPorts;
  readonly #identity: IdentityProvider;
  readonly #fleet: Fleet | undefined;
  readonly #boards = new Boards();
  readonly #http: HttpClient;
  readonly #open = new Set<AbortController>();

  constructor(options: ProofStationOptions) {
    this.options = options;
    const { life, profile, heartbeats, tokens, wire, api } = options;
    const clock = life.clock(options.clock);
    const journal = life.journal(options.journal);
    const random: Random = {
      uuid: () => randomUUID(),
      fraction: options.fraction,
      hex: (length) => randomBytes(length).toString('hex'),
    };
    this.#http = createHttpClient({ clock: options.clock });
    const http = life.http(wire?.http(this.#http) ?? this.#http);
    this.#identity = createZitadelIdentityProvider({
      ...{ profile, tokens, clock, random, logger: silentLogger, http },
      ...(api === undefined ? {} : { api }),
    });
    this.#ports = {
      ...{ clock, random, journal, logger: silentLogger, sha256 },
      signIn: new FakeSignInClient(clock),
      tokenCache: new FakeTokenCache(),
      tokenCheck: new FakeTokenCheck(),
      connector: {
        reachesThisComputer: false,
        connect: (target, { signal }) =>
          life.wait(async () => {
            await wire?.travel(signal);
            const address = target.kind === 'ssh' ? target.host : '';
            const device = options.devices.get(address);
            if (device === undefined || !device.answers)
              throw new EnrollmentError('DEVICE_UNREACHABLE', { details: { address } });
            const session = device.open('pi');
            return life.session(wire?.session(session) ?? session);
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
    this.#fleet.follow(heartbeats, this.#opened().signal).catch(() => undefined);
  }

  /** One enrollment; the error it ended with, if any. Never comes back when the station dies. */
  enroll(id: string, wish: ProofWish = {}): Promise<EnrollmentError | undefined> {
    const { takeOver = false, rotation } = wish;
    return this.#act(id, wish, (input) =>
      runEnrollment({
        ...{ ...input, labels: {}, setClock: false, takeOver, boards: this.#boards },
        ...(rotation === undefined ? {} : { rotation }),
      }),
    );
  }

  /** Takes a device out of the fleet; what stopped it, or the first finding that something is left. */
  decommission(id: string, wish: Pick<ProofWish, 'address'> = {}): Promise<EnrollmentError | undefined> {
    return this.#act(id, wish, async (input) => {
      const findings: DecommissionFinding[] = [];
      await decommissionDevice({ ...input, removeUser: false, found: (one) => findings.push(one) });
      const left = findings.find((finding) => finding.state === 'failed')?.error;
      if (left !== undefined) throw new EnrollmentError(left.code);
    });
  }

  recover(): Promise<{ deleted: number; undecided: number }> {
    return recoverKeys(this.#keys());
  }

  /** Entries that a recovery has to settle; those of a cut-off delivery wait for their device. */
  get unsettled(): readonly string[] {
    const { journal, profile } = this.options;
    return journal
      .unsettledKeyIntents(keyRealmOf(profile))
      .map(({ state, deviceId: id }) => `${id} ${state}`);
  }

  close(): void {
    for (const one of this.#open) one.abort(new Error('The world ends.'));
    this.#http.close();
  }

  /** Every piece of work has a signal of its own, as in the product: one for all would collect listeners. */
  #opened(): AbortController {
    const controller = new AbortController();
    this.#open.add(controller);
    return controller;
  }

  async #act(
    id: string,
    { address = id, onLine }: ProofWish,
    work: (input: Omit<EnrollmentInput, 'labels' | 'setClock' | 'boards'>) => Promise<void>,
  ): Promise<EnrollmentError | undefined> {
    const { profile, fraction, clock, life, tokens, name } = this.options;
    const open = this.#opened();
    const { signal } = open;
    const parsed = parseTarget(`ssh://pi@${address}`);
    if (!parsed.ok) throw new Error(parsed.says);
    const log = new DeviceLog(clock, (lines) => {
      for (const { text } of lines) onLine?.(text);
    });
    const record = new EnrollmentRecord(
      { clock, log, publish: () => undefined },
      { deviceId: id, position: 1, target: id, address },
    );
    record.start();
    try {
      // Where other devices of a batch would have kept it from beginning.
      const waitMs = fraction() * 800;
      if (waitMs > 0) await this.#ports.clock.sleep(waitMs, signal);
      await work({
        ...{ ports: this.#ports, profile, fleet: this.#fleet, record, target: parsed.target, signal },
        ...{ deviceId: deviceId(id), credential: { user: 'pi' }, sudoPassword: undefined },
        ...{ holder: { id: name, station: name }, identity: this.#identity, tokens },
      });
      return undefined;
    } catch (thrown) {
      // What a dead process throws nobody sees.
      if (!life.alive) return new Promise(() => undefined);
      return asEnrollmentError(thrown);
    } finally {
      this.#open.delete(open);
    }
  }

  #keys(): MachineKeysContext {
    const { clock, random, journal, logger } = this.#ports;
    const realm = keyRealmOf(this.options.profile);
    return { clock, random, journal, logger, identity: this.#identity, realm };
  }
}

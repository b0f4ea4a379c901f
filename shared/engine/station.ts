import type { EngineChannel, Input, Output } from '../contract/ipc.ts';
import { EnrollmentError, type ErrorView } from '../errors/enrollment-error.ts';
import type { Profile } from '../model/profile.ts';
import { Secret } from '../model/secret.ts';
import type { LogLine, StationDelta, StationState } from '../model/station-state.ts';
import type { BatchSecrets } from './batch.ts';
import { Bench } from './bench.ts';
import { knownTargets } from './known-targets.ts';
import type { StationPorts } from './ports.ts';
import { StationAccess } from './station-access.ts';
import { type BatchWish, StationBatches } from './station-batches.ts';
import { StationDecommissions } from './station-decommissions.ts';
import { StationDisplay } from './station-display.ts';
import { StationKeys } from './station-keys.ts';
import { initialState } from './station-view.ts';

export interface StationOptions {
  readonly ports: StationPorts;
  readonly profile: Profile;
  readonly stationName: string;
  readonly version: string;
  /** Somebody is there who can sign in again when the sign-in ends while devices are at work. */
  readonly isAttended?: boolean;
  /** How long they wait for that, in milliseconds; half an hour when left out. */
  readonly signInPatienceMs?: number;
  publish(delta: StationDelta): void;
  publishLog(deviceId: string, lines: readonly LogLine[]): void;
}

type Handlers = { readonly [C in EngineChannel]: (input: Input<C>) => Output<C> | Promise<Output<C>> };

/**
 * The station: bench, sign-in, batch and fleet behind the contract's channels. It knows no window, no Electron and
 * no lab; the app, the terminal and the tests drive it the same way.
 */
export class Station {
  readonly #options: StationOptions;
  readonly #display: StationDisplay;
  readonly #access: StationAccess;
  readonly #bench: Bench;
  readonly #batches: StationBatches;
  readonly #decommissions: StationDecommissions;
  readonly #keys: StationKeys;
  #isClosing = false;

  constructor(options: StationOptions) {
    const { ports, profile, stationName, version } = options;
    this.#options = options;
    const display = new StationDisplay({
      ...{ clock: ports.clock, profile },
      station: { name: stationName, version, reachesThisComputer: ports.connector.reachesThisComputer },
      lastRuns: ports.journal.latestRuns(),
      publish: options.publish,
    });
    this.#display = display;
    this.#access = new StationAccess({
      ...{ ports, profile, display },
      batchIsActive: () => this.#batches.isActive,
      decommissionIsActive: () => this.#decommissions.isActive,
      isAttended: options.isAttended ?? false,
      signInPatienceMs: options.signInPatienceMs,
    });
    this.#batches = new StationBatches({
      ...{ ports, profile, stationName, display, access: this.#access },
      // What its devices left open does not wait for the next start.
      onFinished: () => {
        if (!this.#isClosing) this.#access.recovery.begin();
      },
      publishLog: options.publishLog,
    });
    this.#decommissions = new StationDecommissions({
      ...{ ports, profile, display, access: this.#access, holder: this.#batches.holder },
    });
    this.#keys = new StationKeys({
      ...{ clock: ports.clock, logger: ports.logger, profile, identity: this.#access.identity },
      heldKeyId: (deviceId) => this.state.fleet[deviceId]?.keyId ?? this.state.rows[deviceId]?.facts?.keyId,
      known: (deviceId) => this.state.keys?.[deviceId],
      show: (keys) => display.showKeys(keys),
      showLookUp: (lookUp) => display.showKeyLookUp(lookUp),
    });
    this.#bench = new Bench(profile.bench, () => display.showBench(this.#bench.rows));
    display.showBench(this.#bench.rows);
  }

  get state(): StationState {
    return this.#display.state;
  }

  /** Takes up a remembered sign-in. What fails here is shown, not thrown. */
  async start(): Promise<void> {
    await this.#access.resume();
  }

  /** Answers one call of the contract. @throws {EnrollmentError} */
  async handle<C extends EngineChannel>(channel: C, input: Input<C>): Promise<Output<C>> {
    return this.#handlers[channel](input);
  }

  /** Resolves when the current batch, if any, has nothing left to do. */
  async whenBatchIdle(): Promise<void> {
    await this.#batches.whenIdle();
  }

  /** Nobody will sign in again for the devices that wait for it: they fail with what ended the sign-in. */
  giveUpSignIn(): void {
    this.#access.tokens.giveUp();
  }

  /** Resolves when no device is being decommissioned any more. */
  async whenDecommissioned(): Promise<void> {
    await this.#decommissions.whenIdle();
  }

  /** Resolves when no key is being looked up any more. */
  async whenKeysLookedUp(): Promise<void> {
    await this.#keys.whenIdle();
  }

  /** Ends everything: running enrollments are cut off and tidied up, then the ports are closed. */
  async shutDown(): Promise<void> {
    this.#isClosing = true;
    this.#access.session.cancel();
    this.#batches.stop();
    this.#decommissions.stopAll();
    this.#keys.stop();
    await Promise.all([this.#batches.whenIdle(), this.#decommissions.whenIdle(), this.#keys.whenIdle()]);
    await this.#access.close();
    await this.#options.ports.close();
  }

  readonly #handlers: Handlers = {
    'station.snapshot': () => this.state,
    'station.dismissNotice': ({ id }) => {
      this.#display.dismissNotice(id);
      return null;
    },
    'session.signIn': () => {
      void this.#access.session.signIn();
      return null;
    },
    'session.signInHere': () => {
      this.#access.session.signInHere();
      return null;
    },
    'session.signInWithToken': async ({ token, remember }) => {
      this.#requireOpen();
      await this.#access.signInWithToken(new Secret(token.trim()), remember);
      return null;
    },
    'session.cancel': () => {
      this.#access.session.cancel();
      return null;
    },
    'session.signOut': async () => {
      if (this.#batches.isActive || this.#decommissions.isActive) throw new EnrollmentError('STATION_BUSY');
      await this.#access.signOut();
      return null;
    },
    'bench.add': ({ deviceId, target }) => ({ rowId: this.#bench.add(deviceId, target) }),
    'bench.rename': ({ rowId, deviceId }) => {
      this.#bench.rename(rowId, deviceId);
      return null;
    },
    'bench.remove': ({ rowId }) => {
      this.#bench.remove(rowId);
      return null;
    },
    'batch.start': ({ rowIds, takeOver, setClock, rotateKeys, ...entered }) => {
      this.#requireReady();
      return { batchId: this.#startBatch(rowIds, secretsOf(entered), { takeOver, setClock, rotateKeys }) };
    },
    'batch.stop': () => {
      this.#batches.stop();
      return null;
    },
    'batch.retry': ({ deviceIds, setClock = false, takeOver = false, ...entered }) => {
      this.#requireOpen();
      this.#decommissions.requireNone(deviceIds);
      this.#batches.retry(deviceIds, secretsOf(entered), { setClock, takeOver });
      return null;
    },
    'device.trustNewHostKey': ({ deviceId, fingerprint }) => {
      this.#requireOpen();
      this.#batches.trustNewHostKey(deviceId, fingerprint);
      return null;
    },
    'fleet.targets': ({ deviceIds }) => this.#targets(deviceIds),
    'fleet.rotateKeys': ({ devices, ...entered }) => {
      this.#requireReady();
      const rowIds = this.#onBench(devices);
      return { batchId: this.#startBatch(rowIds, secretsOf(entered), { rotateKeys: true }) };
    },
    'fleet.lookUpKeys': ({ deviceIds }) => {
      this.#requireOpen();
      if (!this.#access.session.isSignedIn) throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
      this.#keys.lookUp(deviceIds);
      return null;
    },
    'device.decommission': ({ deviceId, target, keepAgent, removeUser, ...entered }) => {
      this.#requireOpen();
      if (!this.#access.session.isSignedIn) throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
      if (this.#batches.holds(deviceId)) throw new EnrollmentError('STATION_BUSY');
      this.#decommissions.begin({
        ...{ deviceId, target, secrets: secretsOf(entered) },
        ...{ keepAgent: keepAgent === true, removeUser: removeUser === true },
      });
      return null;
    },
    'device.stopDecommission': ({ deviceId }) => {
      this.#decommissions.stop(deviceId);
      return null;
    },
    'device.followLog': ({ deviceId }) => this.#batches.followLog(deviceId),
    'device.unfollowLog': () => {
      this.#batches.unfollowLog();
      return null;
    },
  };

  #targets(deviceIds: readonly string[]): Output<'fleet.targets'> {
    const lastRuns = new Map(
      this.#options.ports.journal.latestRuns().map((run) => [run.deviceId, run.target]),
    );
    return knownTargets(deviceIds, {
      benchRows: this.#bench.rows,
      lastTarget: (deviceId) => lastRuns.get(deviceId),
      heartbeat: (deviceId) => this.state.fleet[deviceId],
    });
  }

  /** The rows of the Bench of these devices; a device that is not there yet is put there where its target is given. */
  #onBench(devices: Input<'fleet.rotateKeys'>['devices']): string[] {
    const rowOf = (deviceId: string) => this.#bench.rows.find((row) => row.deviceId === deviceId);
    const homeless = devices.find(
      ({ deviceId, target }) => rowOf(deviceId) === undefined && target === undefined,
    );
    if (homeless !== undefined) {
      const details = { problem: `${homeless.deviceId} is not on the Bench, and no target is given` };
      throw new EnrollmentError('STATION_REQUEST_INVALID', { details });
    }
    return devices.map(
      ({ deviceId, target = '' }) => rowOf(deviceId)?.rowId ?? this.#bench.add(deviceId, target),
    );
  }

  #startBatch(rowIds: readonly string[], secrets: BatchSecrets, wish: BatchWish): string {
    const { rows } = this.#bench;
    this.#decommissions.requireNone(
      rows.filter((row) => rowIds.includes(row.rowId)).map((row) => row.deviceId),
    );
    return this.#batches.start(rows, rowIds, secrets, wish);
  }

  /** Somebody is signed in, and nothing runs. */
  #requireReady(): void {
    this.#requireOpen();
    if (this.#batches.isActive) throw new EnrollmentError('STATION_BUSY');
    if (!this.#access.session.isSignedIn) throw new EnrollmentError('IDENTITY_NOT_SIGNED_IN');
  }

  /** A station that closes begins nothing any more: it would wait for it. */
  #requireOpen(): void {
    const details = { problem: 'the station closes' };
    if (this.#isClosing) throw new EnrollmentError('STATION_REQUEST_INVALID', { details });
  }
}

/** Entered secrets, from here on in the type that does not print. */
function secretsOf(entered: { readonly [Name in keyof BatchSecrets]?: string | undefined }): BatchSecrets {
  const secret = (text: string | undefined) => (text === undefined ? undefined : new Secret(text));
  return {
    sshPassword: secret(entered.sshPassword),
    sudoPassword: secret(entered.sudoPassword),
    keyPassphrase: secret(entered.keyPassphrase),
  };
}

/** Creates the station. It does nothing by itself until {@link Station.start}. */
export function createStation(options: StationOptions): Station {
  return new Station(options);
}

/** What a station without a usable profile shows: the error, and nothing that could be pressed in vain. */
export function stateWithoutProfile(
  name: string,
  version: string,
  error: ErrorView | undefined,
): StationState {
  const state = initialState({ name, version, reachesThisComputer: false }, undefined);
  const lamp = { state: 'waiting', word: 'no profile' } as const;
  return {
    ...state,
    revision: 0,
    lamps: { identity: lamp, nats: lamp, keychain: lamp },
    session: error === undefined ? { state: 'signed-out' } : { state: 'signed-out', error },
  };
}

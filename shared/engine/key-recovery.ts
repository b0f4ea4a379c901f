import type { DeviceLog } from './device-log.ts';
import { Stopped, waitAtMost } from './limits.ts';
import { type MachineKeysContext, recoverKeys } from './machine-keys.ts';
import type { Clock, IdentityProvider } from './ports.ts';

/** An enrollment waits this long for keys that were left behind to be deleted; then the recovery gives way. */
const WAIT_AT_MOST_MS = 30_000;
/** What could not be settled is tried again after this. */
const AGAIN_AFTER_MS = 60_000;
const CLOSE_LIMIT_MS = 5_000;

export interface KeyRecoveryHandlers {
  /** Not while a device may be taking a key: that key is unsettled too, and not left behind. */
  mayRun(): boolean;
  onRecovered(found: { deleted: number; undecided: number }): void;
  onFailed(thrown: unknown): void;
}

/**
 * Deletes keys that were minted and never reached a device: after a sign-in, when a batch has ended, and every
 * minute while something is left. Enrollments and recovery take turns.
 */
export class KeyRecovery {
  readonly #context: MachineKeysContext;
  readonly #handlers: KeyRecoveryHandlers;
  #running: { readonly ended: Promise<void>; readonly stop: AbortController } | undefined;
  #cancelNext: (() => void) | undefined;
  #isClosed = false;

  constructor(context: MachineKeysContext, handlers: KeyRecoveryHandlers) {
    this.#context = context;
    this.#handlers = handlers;
  }

  /** Begins a recovery, unless one is running or may not run now. */
  begin(): void {
    if (this.#isClosed || this.#running !== undefined || !this.#handlers.mayRun()) return;
    this.#cancelNext?.();
    const stop = new AbortController();
    const ended = this.#recover(stop.signal).finally(() => {
      this.#running = undefined;
    });
    this.#running = { ended, stop };
  }

  /**
   * Waits for a running recovery before a device is enrolled. One that takes long is cut off, and begun again when
   * the batch has ended; the enrollment settles what its own device left open.
   * @throws the signal's reason
   */
  async giveTurn(log: DeviceLog, signal: AbortSignal): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const note = (text: string): void => log.add({ kind: 'note', stepId: 'check', text });
    note('waiting until keys that never reached a device are deleted');
    const { clock } = this.#context;
    if (await waitAtMost({ clock, limitMs: WAIT_AT_MOST_MS, signal }, running.ended)) return;
    note('this takes long; it goes on when the batch has ended');
    running.stop.abort(new Stopped('an enrollment waits'));
  }

  /** Ends a running recovery and waits until it has ended, so that the journal can be closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelNext?.();
    const running = this.#running;
    if (running === undefined) return;
    running.stop.abort(new Stopped('the station closes'));
    const { clock, logger } = this.#context;
    const { signal } = new AbortController();
    if (!(await waitAtMost({ clock, limitMs: CLOSE_LIMIT_MS, signal }, running.ended)))
      logger.log('warn', 'key-recovery-not-ended', { limitMs: CLOSE_LIMIT_MS });
  }

  async #recover(signal: AbortSignal): Promise<void> {
    const { clock, identity, journal, realm } = this.#context;
    try {
      const found = await recoverKeys({
        ...this.#context,
        clock: clockUntil(clock, signal),
        identity: identityUntil(identity, signal),
      });
      if (this.#isClosed) return;
      this.#handlers.onRecovered(found);
      // Keys whose delivery was cut off are settled by the next enrollment of their device alone.
      const isLeft = journal.unsettledKeyIntents(realm).some((intent) => intent.state !== 'delivering');
      if (isLeft) this.#cancelNext = clock.after(AGAIN_AFTER_MS, () => this.begin());
    } catch (thrown) {
      if (!this.#isClosed) this.#handlers.onFailed(thrown);
    }
  }
}

/** A clock whose sleepers wake up when the signal is aborted. */
function clockUntil(clock: Clock, end: AbortSignal): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(ms, AbortSignal.any([signal, end])),
    after: (ms, callback) => clock.after(ms, callback),
  };
}

/** A provider whose calls end when the signal is aborted. */
function identityUntil(identity: IdentityProvider, end: AbortSignal): IdentityProvider {
  const until = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, end]);
  return {
    forgetSignIn: () => identity.forgetSignIn(),
    requireProject: (signal) => identity.requireProject(until(signal)),
    ensureAccount: (deviceId, expected, signal) => identity.ensureAccount(deviceId, expected, until(signal)),
    findMachineUser: (deviceId, signal) => identity.findMachineUser(deviceId, until(signal)),
    listKeys: (userId, signal) => identity.listKeys(userId, until(signal)),
    mintKey: (userId, expiresAt, signal) => identity.mintKey(userId, expiresAt, until(signal)),
    takesPublicKeys: identity.takesPublicKeys,
    registerKey: (userId, publicKey, expiresAt, signal) =>
      identity.registerKey(userId, publicKey, expiresAt, until(signal)),
    machineTokensLastMs: identity.machineTokensLastMs,
    challengeLogin: (userId, keyId) => identity.challengeLogin(userId, keyId),
    provesLogin: (challenge, signature, signal) => identity.provesLogin(challenge, signature, until(signal)),
    logsIn: (key, signal) => identity.logsIn(key, until(signal)),
    deleteKey: (userId, keyId, signal) => identity.deleteKey(userId, keyId, until(signal)),
    deleteMachineUser: (userId, signal) => identity.deleteMachineUser(userId, until(signal)),
  };
}

import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import type { Heartbeat } from '../model/station-state.ts';
import { waitAtMost, withLimit } from './limits.ts';
import type { Clock, HeartbeatLink, HeartbeatWatch } from './ports.ts';

/** A link that is down this long while a device waits for its heartbeat is the cause, not the device. */
const LINK_DOWN_LIMIT_MS = 15_000;
const ASK_LIMIT_MS = 5_000;

interface Waiter {
  accepts(heartbeat: Heartbeat): boolean;
  resolve(heartbeat: Heartbeat): void;
}

/** The newest heartbeat of a device, and how it came to this station. */
export interface Heard {
  readonly heartbeat: Heartbeat;
  /** When it arrived here, by the station's monotonic clock. No clock of a server or device is asked. */
  readonly heardAtMs: number;
  /** Heard as it was published; false for what the bucket held when the station began to listen. */
  readonly isNew: boolean;
}

/** Where the heartbeats of a device stood before it was touched. */
export interface HeartbeatBaseline {
  /** Undefined while there was no link to ask. */
  readonly afterRevision: number | undefined;
  /** When the agent that was heard last was started, by its own clock; tells one process from another. */
  readonly startedAtBefore: number | undefined;
}

/** The heartbeat that proves an enrollment. */
export interface ExpectedHeartbeat extends HeartbeatBaseline {
  readonly keyId: string | undefined;
  /** The enrollment restarts the agent, so that a heartbeat of the process before proves nothing. */
  readonly restarted: boolean;
  readonly limitMs: number;
  readonly limitText: string;
}

/** The newest heartbeat of every device, followed live, and waiting for a particular one. */
export class Fleet {
  readonly #clock: Clock;
  readonly #newest = new Map<string, Heard>();
  readonly #waiters = new Set<Waiter>();
  readonly #linkListeners = new Set<(link: HeartbeatLink) => void>();
  readonly #onHeartbeat: (heartbeat: Heartbeat) => void;
  readonly #onRemoved: (deviceId: string) => void;
  readonly #onLink: (link: HeartbeatLink) => void;
  #link: HeartbeatLink = { state: 'connecting' };
  #watch: HeartbeatWatch | undefined;

  constructor(
    clock: Clock,
    handlers: {
      onHeartbeat(heartbeat: Heartbeat): void;
      onRemoved?(deviceId: string): void;
      onLink(link: HeartbeatLink): void;
    },
  ) {
    this.#clock = clock;
    this.#onRemoved = handlers.onRemoved ?? (() => undefined);
    this.#onHeartbeat = handlers.onHeartbeat;
    this.#onLink = handlers.onLink;
  }

  /** Follows the watch until the signal is aborted. A watch that ends by itself is a lost link, and is thrown. */
  async follow(watch: HeartbeatWatch, signal: AbortSignal): Promise<void> {
    this.#watch = watch;
    this.#setLink({ state: 'connecting' });
    try {
      await watch.follow(
        {
          onHeartbeat: (heartbeat, isNew) => this.#take(heartbeat, isNew),
          onRemoved: (deviceId) => this.#forget(deviceId),
          onLink: (link) => this.#setLink(link),
        },
        signal,
      );
    } catch (thrown) {
      if (!signal.aborted) {
        const refused = thrown instanceof EnrollmentError && thrown.code === 'NATS_REFUSED';
        const code = refused ? 'NATS_REFUSED' : 'NATS_UNREACHABLE';
        this.#setLink({ state: 'lost', code, evidence: describeThrown(thrown) });
      }
      throw thrown;
    }
  }

  /**
   * Where the heartbeats stand before an enrollment changes anything. Asked from the server: what this station has
   * heard so far may lag behind it. Without a link `afterRevision` is undefined and is asked for later.
   */
  async baseline(deviceId: string, signal: AbortSignal): Promise<HeartbeatBaseline> {
    const startedAtBefore = this.#newest.get(deviceId)?.heartbeat.startedAt;
    if (this.#link.state !== 'live') return { afterRevision: undefined, startedAtBefore };
    try {
      return { afterRevision: await this.#newestRevision(signal), startedAtBefore };
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof EnrollmentError)) throw thrown;
      return { afterRevision: undefined, startedAtBefore };
    }
  }

  /**
   * The first heartbeat of this enrollment: published after its baseline, made with its key, by an agent process
   * that was started by it if it restarts the agent. Server revisions decide, never clocks. What an agent does not
   * tell about itself is believed.
   * @throws AGENT_NO_HEARTBEAT after the limit; NATS_UNREACHABLE or NATS_REFUSED when the station itself hears nothing
   */
  async waitFor(deviceId: string, expected: ExpectedHeartbeat, signal: AbortSignal): Promise<Heartbeat> {
    const { keyId, restarted, startedAtBefore } = expected;
    const onLimit = (): EnrollmentError =>
      new EnrollmentError('AGENT_NO_HEARTBEAT', {
        details: {
          limit: expected.limitText,
          likely: 'The device cannot reach NATS or the identity provider, or its agent stopped.',
        },
        phase: 'verify',
        stepId: 'heartbeat',
        subject: deviceId,
      });
    return withLimit({ clock: this.#clock, limitMs: expected.limitMs, signal, onLimit }, async (limited) => {
      const afterRevision = expected.afterRevision ?? (await this.#revisionOnceLive(limited));
      const isOfOldProcess = (heartbeat: Heartbeat): boolean =>
        restarted && startedAtBefore !== undefined && heartbeat.startedAt === startedAtBefore;
      const accepts = (heartbeat: Heartbeat): boolean =>
        heartbeat.revision > afterRevision &&
        !isOfOldProcess(heartbeat) &&
        (heartbeat.keyId === undefined || keyId === undefined || heartbeat.keyId === keyId);
      const newest = this.#newest.get(deviceId)?.heartbeat;
      return newest && accepts(newest) ? newest : this.#next(deviceId, accepts, limited);
    });
  }

  /** The newest heartbeat of a device, if any was ever heard of. */
  heard(deviceId: string): Heard | undefined {
    return this.#newest.get(deviceId);
  }

  /** The newest heartbeat made with this key, by whatever device. */
  heardWith(keyId: string): Heard | undefined {
    let newest: Heard | undefined;
    for (const heard of this.#newest.values()) {
      if (heard.heartbeat.keyId !== keyId) continue;
      if (newest === undefined || heard.heartbeat.revision > newest.heartbeat.revision) newest = heard;
    }
    return newest;
  }

  /**
   * Listens for a heartbeat that is accepted, for so long and no longer.
   * @returns undefined when none came, also when the link was down all the while
   * @throws the signal's reason
   */
  async listen(
    accepts: (heartbeat: Heartbeat) => boolean,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Heartbeat | undefined> {
    let found: Heartbeat | undefined;
    let wake: (() => void) | undefined;
    const came = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const waiter: Waiter = {
      accepts,
      resolve: (heartbeat) => {
        found ??= heartbeat;
        wake?.();
      },
    };
    this.#waiters.add(waiter);
    try {
      await waitAtMost({ clock: this.#clock, limitMs, signal }, came);
      return found;
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /**
   * Takes a device's entry out of the bucket, as soon as there is a link.
   * @returns whether there was one
   * @throws NATS_UNREACHABLE, NATS_REFUSED, or the signal's reason
   */
  async removeEntry(deviceId: string, signal: AbortSignal): Promise<boolean> {
    await this.#live(signal);
    const details = { urls: 'the NATS address' };
    const onLimit = (): EnrollmentError =>
      new EnrollmentError('NATS_UNREACHABLE', { details, evidence: 'no answer' });
    const watch = this.#watch;
    if (watch === undefined) throw onLimit();
    const wasThere = await withLimit(
      { clock: this.#clock, limitMs: ASK_LIMIT_MS, signal, onLimit },
      (limited) => watch.removeEntry(deviceId, limited),
    );
    this.#forget(deviceId);
    return wasThere;
  }

  #forget(deviceId: string): void {
    this.#newest.delete(deviceId);
    this.#onRemoved(deviceId);
  }

  async #newestRevision(signal: AbortSignal): Promise<number> {
    const watch = this.#watch;
    if (watch === undefined)
      throw new EnrollmentError('NATS_UNREACHABLE', { details: { urls: 'the NATS address' } });
    const onLimit = (): EnrollmentError =>
      new EnrollmentError('NATS_UNREACHABLE', {
        details: { urls: 'the NATS address' },
        evidence: 'no answer',
      });
    return withLimit({ clock: this.#clock, limitMs: ASK_LIMIT_MS, signal, onLimit }, (limited) =>
      watch.newestRevision(limited),
    );
  }

  async #revisionOnceLive(signal: AbortSignal): Promise<number> {
    await this.#live(signal);
    return this.#newestRevision(signal);
  }

  /** The next heartbeat of a device that is accepted. A link that stays down in between ends the wait. */
  #next(
    deviceId: string,
    accepts: (heartbeat: Heartbeat) => boolean,
    signal: AbortSignal,
  ): Promise<Heartbeat> {
    return this.#whileLinked(signal, (resolve) => {
      const waiter: Waiter = {
        accepts: (heartbeat) => heartbeat.deviceId === deviceId && accepts(heartbeat),
        resolve,
      };
      this.#waiters.add(waiter);
      return () => this.#waiters.delete(waiter);
    });
  }

  /** Resolves when the link is live. */
  #live(signal: AbortSignal): Promise<void> {
    return this.#whileLinked(signal, (resolve) => {
      const listener = (link: HeartbeatLink): void => {
        if (link.state === 'live') resolve();
      };
      this.#linkListeners.add(listener);
      listener(this.#link);
      return () => this.#linkListeners.delete(listener);
    });
  }

  /**
   * Waits for something that only a live link can bring.
   * @param begin starts to wait and gives the function that ends it
   * @throws NATS_UNREACHABLE or NATS_REFUSED when the link is down for too long, or the signal's reason
   */
  #whileLinked<T>(signal: AbortSignal, begin: (resolve: (value: T) => void) => () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let cancelLinkLimit: (() => void) | undefined;
      let down: Exclude<HeartbeatLink, { state: 'live' }> = { state: 'connecting' };
      let end: (() => void) | undefined;
      let isSettled = false;
      const settle = (): void => {
        isSettled = true;
        end?.();
        this.#linkListeners.delete(watchLink);
        signal.removeEventListener('abort', onAbort);
        cancelLinkLimit?.();
      };
      const watchLink = (link: HeartbeatLink): void => {
        if (link.state === 'live') {
          cancelLinkLimit?.();
          cancelLinkLimit = undefined;
          return;
        }
        // Every failed try to reconnect is a change of the link; only a live one starts the limit anew.
        if (link.state === 'lost' || down.state !== 'lost') down = link;
        cancelLinkLimit ??= this.#clock.after(LINK_DOWN_LIMIT_MS, () => {
          settle();
          const code = down.state === 'lost' ? down.code : 'NATS_UNREACHABLE';
          const evidence = down.state === 'lost' ? down.evidence : 'still connecting';
          const details = { urls: 'the NATS address' };
          reject(new EnrollmentError(code, { details, stepId: 'heartbeat', evidence }));
        });
      };
      const onAbort = (): void => {
        settle();
        reject(signal.reason);
      };
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      this.#linkListeners.add(watchLink);
      watchLink(this.#link);
      end = begin((value) => {
        settle();
        resolve(value);
      });
      if (isSettled) end();
    });
  }

  #take(heartbeat: Heartbeat, isNew: boolean): void {
    const known = this.#newest.get(heartbeat.deviceId);
    if (known && known.heartbeat.revision >= heartbeat.revision) return;
    const heardAtMs = this.#clock.monotonicMs();
    this.#newest.set(heartbeat.deviceId, { heartbeat, heardAtMs, isNew });
    this.#onHeartbeat(heartbeat);
    for (const waiter of [...this.#waiters]) if (waiter.accepts(heartbeat)) waiter.resolve(heartbeat);
  }

  #setLink(link: HeartbeatLink): void {
    this.#link = link;
    this.#onLink(link);
    for (const listener of [...this.#linkListeners]) listener(link);
  }
}

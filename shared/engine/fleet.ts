import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import type { Heartbeat } from '../model/station-state.ts';
import { withLimit } from './limits.ts';
import type { Clock, HeartbeatLink, HeartbeatWatch } from './ports.ts';

/** A link that is down this long while a device waits for its heartbeat is the cause, not the device. */
const LINK_DOWN_LIMIT_MS = 15_000;

interface Waiter {
  readonly deviceId: string;
  accepts(heartbeat: Heartbeat): boolean;
  resolve(heartbeat: Heartbeat): void;
}

/** The newest heartbeat of every device, followed live, and waiting for a particular one. */
export class Fleet {
  readonly #clock: Clock;
  readonly #newest = new Map<string, Heartbeat>();
  readonly #waiters = new Set<Waiter>();
  readonly #linkListeners = new Set<(link: HeartbeatLink) => void>();
  readonly #onHeartbeat: (heartbeat: Heartbeat) => void;
  readonly #onLink: (link: HeartbeatLink) => void;
  #link: HeartbeatLink = { state: 'connecting' };

  constructor(
    clock: Clock,
    handlers: { onHeartbeat(heartbeat: Heartbeat): void; onLink(link: HeartbeatLink): void },
  ) {
    this.#clock = clock;
    this.#onHeartbeat = handlers.onHeartbeat;
    this.#onLink = handlers.onLink;
  }

  /** Follows the watch until the signal is aborted. A watch that ends by itself is a lost link, and is thrown. */
  async follow(watch: HeartbeatWatch, signal: AbortSignal): Promise<void> {
    this.#setLink({ state: 'connecting' });
    try {
      await watch.follow(
        { onHeartbeat: (heartbeat) => this.#take(heartbeat), onLink: (link) => this.#setLink(link) },
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

  /** Server revision of the newest heartbeat of a device; 0 when it was never seen. */
  revision(deviceId: string): number {
    return this.#newest.get(deviceId)?.revision ?? 0;
  }

  /**
   * The first heartbeat after `afterRevision` that was made with `keyId`. Server revisions decide, never clocks.
   * An agent that does not name its key is believed.
   * @throws AGENT_NO_HEARTBEAT after the limit; NATS_UNREACHABLE or NATS_REFUSED when the station itself hears nothing
   */
  async waitFor(
    deviceId: string,
    expected: {
      readonly afterRevision: number;
      readonly keyId: string | undefined;
      readonly limitMs: number;
      readonly limitText: string;
    },
    signal: AbortSignal,
  ): Promise<Heartbeat> {
    const accepts = (heartbeat: Heartbeat): boolean =>
      heartbeat.revision > expected.afterRevision &&
      (heartbeat.keyId === undefined || expected.keyId === undefined || heartbeat.keyId === expected.keyId);
    const newest = this.#newest.get(deviceId);
    if (newest && accepts(newest)) return newest;
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
    return withLimit({ clock: this.#clock, limitMs: expected.limitMs, signal, onLimit }, (limited) =>
      this.#next(deviceId, accepts, limited),
    );
  }

  #next(
    deviceId: string,
    accepts: (heartbeat: Heartbeat) => boolean,
    signal: AbortSignal,
  ): Promise<Heartbeat> {
    return new Promise<Heartbeat>((resolve, reject) => {
      let cancelLinkLimit: (() => void) | undefined;
      let down: Exclude<HeartbeatLink, { state: 'live' }> = { state: 'connecting' };
      const settle = (): void => {
        this.#waiters.delete(waiter);
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
          reject(
            new EnrollmentError(code, {
              details: { urls: 'the NATS address' },
              stepId: 'heartbeat',
              evidence,
            }),
          );
        });
      };
      const waiter: Waiter = {
        deviceId,
        accepts,
        resolve: (heartbeat) => {
          settle();
          resolve(heartbeat);
        },
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
      this.#waiters.add(waiter);
      this.#linkListeners.add(watchLink);
      watchLink(this.#link);
    });
  }

  #take(heartbeat: Heartbeat): void {
    const known = this.#newest.get(heartbeat.deviceId);
    if (known && known.revision >= heartbeat.revision) return;
    this.#newest.set(heartbeat.deviceId, heartbeat);
    this.#onHeartbeat(heartbeat);
    for (const waiter of [...this.#waiters]) {
      if (waiter.deviceId === heartbeat.deviceId && waiter.accepts(heartbeat)) waiter.resolve(heartbeat);
    }
  }

  #setLink(link: HeartbeatLink): void {
    this.#link = link;
    this.#onLink(link);
    for (const listener of [...this.#linkListeners]) listener(link);
  }
}

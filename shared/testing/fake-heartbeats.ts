import type { Clock, HeartbeatLink, HeartbeatWatch } from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Heartbeat } from '../model/station-state.ts';

type Handlers = Parameters<HeartbeatWatch['follow']>[0];

/** The fleet's bucket: keeps the newest heartbeat of every device and tells whoever follows. */
export class FakeHeartbeats implements HeartbeatWatch {
  readonly #clock: Clock;
  readonly #followers = new Set<Handlers>();
  readonly #newest = new Map<string, Heartbeat>();
  #revision = 0;
  #link: HeartbeatLink = { state: 'live' };
  /** Thrown by the next follow, once. */
  failsFollowWith: Error | undefined;
  /** Thrown by every removal. */
  removalFailsWith: EnrollmentError | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get followers(): number {
    return this.#followers.size;
  }

  /** A heartbeat reaches the bucket. While the link is down nobody hears of it. Gives its revision. */
  beat(
    deviceId: string,
    keyId: string | undefined,
    startedAt?: number,
    about: Pick<Partial<Heartbeat>, 'hostname' | 'addresses'> = {},
  ): number {
    this.#revision += 1;
    const heartbeat: Heartbeat = {
      deviceId,
      receivedAt: this.#clock.nowMs(),
      revision: this.#revision,
      addresses: [],
      labels: {},
      ...(keyId === undefined ? {} : { keyId }),
      ...(startedAt === undefined ? {} : { startedAt }),
      ...about,
    };
    this.#newest.set(deviceId, heartbeat);
    if (this.#link.state === 'live')
      for (const { onHeartbeat } of this.#followers) onHeartbeat(heartbeat, true);
    return this.#revision;
  }

  setLink(link: HeartbeatLink): void {
    this.#link = link;
    for (const follower of this.#followers) this.#tell(follower);
  }

  removeEntry(deviceId: string): Promise<boolean> {
    if (this.removalFailsWith !== undefined) return Promise.reject(this.removalFailsWith);
    const wasThere = this.#newest.delete(deviceId);
    if (wasThere) this.#revision += 1;
    for (const { onRemoved } of this.#followers) onRemoved?.(deviceId);
    return Promise.resolve(wasThere);
  }

  /** Whether the bucket has an entry of this device. */
  has(deviceId: string): boolean {
    return this.#newest.has(deviceId);
  }

  newestRevision(): Promise<number> {
    if (this.#link.state === 'live') return Promise.resolve(this.#revision);
    return Promise.reject(new EnrollmentError('NATS_UNREACHABLE', { details: { urls: 'nats://fake' } }));
  }

  follow(handlers: Handlers, signal: AbortSignal): Promise<void> {
    const failure = this.failsFollowWith;
    if (failure !== undefined) {
      this.failsFollowWith = undefined;
      return Promise.reject(failure);
    }
    this.#followers.add(handlers);
    this.#tell(handlers);
    return new Promise((resolve) => {
      const onAbort = (): void => {
        this.#followers.delete(handlers);
        resolve();
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #tell(handlers: Handlers): void {
    handlers.onLink(this.#link);
    if (this.#link.state === 'live')
      for (const heartbeat of this.#newest.values()) handlers.onHeartbeat(heartbeat, false);
  }
}

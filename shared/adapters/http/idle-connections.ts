import type http from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * A connection that became idle so lately is very likely alive: servers and what stands before them keep one for seconds at
 * least (Node 5, Apache 5, nginx 75). One that ends or reloads may close it sooner; then nobody knows what became of the request.
 */
const LIVE_MS = 1_000;

interface Moment {
  readonly monotonicMs: number;
  /** Goes on while a computer sleeps. */
  readonly wallMs: number;
}

const now = (): Moment => ({ monotonicMs: performance.now(), wallMs: Date.now() });

/** Knows since when the kept connections of agents have been idle. */
export class IdleConnections {
  readonly #idleSince = new WeakMap<Duplex, Moment>();

  /** Has an agent tell when a connection becomes idle. */
  watch(agent: http.Agent): void {
    const keep = agent.keepSocketAlive.bind(agent);
    agent.keepSocketAlive = (socket) => {
      this.#idleSince.set(socket, now());
      return keep(socket);
    };
  }

  /**
   * What is asked of the agent next goes over a connection that has just answered, or over a new one. An agent takes the
   * one that became idle last; where that is too long ago, all are closed.
   */
  closeUnlessLive(agent: http.Agent): void {
    for (const sockets of Object.values(agent.freeSockets)) {
      const last = sockets?.at(-1);
      if (last === undefined || this.#isLive(last)) continue;
      for (const socket of sockets ?? []) socket.destroy();
    }
  }

  #isLive(socket: Duplex): boolean {
    const since = this.#idleSince.get(socket);
    if (since === undefined) return false;
    const { monotonicMs, wallMs } = now();
    const slept = wallMs - since.wallMs;
    return monotonicMs - since.monotonicMs <= LIVE_MS && slept >= 0 && slept <= LIVE_MS;
  }
}

import type http from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * A connection that became idle so lately is alive: servers and what stands before them keep one for seconds at least
 * (Node 5, Apache 5, nginx 75), and only a server that ends takes it away sooner, as it takes away new ones.
 */
const SURELY_ALIVE_MS = 1_000;

/** Knows since when the kept connections of agents have been idle. */
export class IdleConnections {
  readonly #idleSinceMs = new WeakMap<Duplex, number>();

  /** Has an agent tell when a connection becomes idle. */
  watch(agent: http.Agent): void {
    const keep = agent.keepSocketAlive.bind(agent);
    agent.keepSocketAlive = (socket) => {
      this.#idleSinceMs.set(socket, performance.now());
      return keep(socket);
    };
  }

  /** What then is asked of the agent goes over a connection that is surely alive, or a new one. */
  closeLongIdle(agent: http.Agent): void {
    const now = performance.now();
    for (const sockets of Object.values(agent.freeSockets)) {
      for (const socket of sockets ?? []) {
        const since = this.#idleSinceMs.get(socket) ?? Number.NEGATIVE_INFINITY;
        if (now - since > SURELY_ALIVE_MS) socket.destroy();
      }
    }
  }
}

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A port of its own in front of a server that goes away and comes back elsewhere: nobody else can take it meanwhile. */
export interface Relay {
  /** `nats://host:port`. */
  readonly url: string;
  /** Where connections lead from now on; those before go on, and end with their server. */
  leadTo(url: string): void;
  stop(): Promise<void>;
}

export async function startRelay(): Promise<Relay> {
  const sockets = new Set<Socket>();
  let to: URL | undefined;
  const server = createServer((near) => {
    if (to === undefined) {
      near.destroy();
      return;
    }
    const far = connect({ host: to.hostname, port: Number(to.port) });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      // However one side ends, so does the other.
      one.on('error', () => one.destroy());
      one.once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (url) => {
      to = new URL(url);
    },
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

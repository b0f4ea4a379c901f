import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type LinkBudget, slowLink } from '../lab/devices/slow-link.ts';

export interface SlowRelay {
  readonly port: number;
  stop(): Promise<void>;
}

/** A port of loopback behind which another one lies at the far end of a slow link. */
export async function startSlowRelay(target: number, budget: LinkBudget): Promise<SlowRelay> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    sockets.add(near).add(far);
    const link = slowLink(near, budget);
    link.pipe(far).pipe(link);
    for (const stream of [near, far, link]) {
      stream.on('error', () => undefined);
      stream.once('close', () => {
        near.destroy();
        far.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

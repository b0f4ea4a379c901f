import net from 'node:net';

/** Whether a port can be listened on now. */
export async function isFree(host: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The first free port from one on. @throws {Error} when a hundred in a row are taken */
export async function freePort(host: string, from: number): Promise<number> {
  for (let port = from; port < from + 100; port++) {
    if (await isFree(host, port)) return port;
  }
  throw new Error(`No port from ${from} to ${from + 99} is free on ${host}.`);
}

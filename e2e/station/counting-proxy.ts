import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A proxy on loopback that alone knows where its names are, and counts what is sent through it. */
export interface CountingProxy {
  /** `127.0.0.1:3128` */
  readonly address: string;
  /** The tunnels that were asked for: `id.plant.example:443`. */
  readonly tunnels: readonly string[];
  /** Addresses of requests in the clear. */
  readonly forwarded: readonly string[];
  /** Bytes the station has sent through tunnels. */
  sentBytes(): number;
  stop(): Promise<void>;
}

/**
 * Starts a proxy for CONNECT and for requests with the whole address. A name it does not know gets 502.
 * @param places port on loopback by host and port as a client names them
 * @param files what it answers itself, by path: a PAC file
 */
export async function startCountingProxy(
  places: Readonly<Record<string, number>>,
  files: (address: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<CountingProxy> {
  const tunnels: string[] = [];
  const forwarded: string[] = [];
  const open = new Set<Duplex>();
  let sent = 0;
  let address = '';
  const keep = <S extends Duplex>(socket: S): S => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // A side that is cut takes the other one with it.
    socket.on('error', () => socket.destroy());
    return socket;
  };
  const server = createServer((incoming, reply) => {
    const file = files(address)[incoming.url ?? ''];
    if (file !== undefined) {
      reply.writeHead(200, { 'content-type': 'application/x-ns-proxy-autoconfig' }).end(file);
      return;
    }
    const url = incoming.url ?? '';
    forwarded.push(url);
    const port = URL.canParse(url) ? places[hostAndPort(new URL(url))] : undefined;
    if (port === undefined) {
      reply.writeHead(502).end('unknown name');
      return;
    }
    const { pathname, search } = new URL(url);
    const { method, headers } = incoming;
    const onward = request(
      { host: '127.0.0.1', port, method, headers, path: `${pathname}${search}` },
      (answer) => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(reply);
      },
    );
    onward.on('error', () => reply.destroy());
    incoming.pipe(onward);
  });
  server.on('connection', (socket: Socket) => keep(socket));
  server.on('connect', (incoming, client, head) => {
    const target = incoming.url ?? '';
    tunnels.push(target);
    const port = places[target];
    if (port === undefined) {
      client.end('HTTP/1.1 502 Unknown name\r\n\r\n');
      return;
    }
    const server = keep(connect(port, '127.0.0.1'));
    server.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      sent += head.length;
      server.write(head);
      client.on('data', (chunk: Buffer) => {
        sent += chunk.length;
      });
      client.pipe(server).pipe(client);
    });
    server.once('close', () => client.destroy());
    client.once('close', () => server.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ address, tunnels, forwarded, sentBytes: () => sent },
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port === '' ? '80' : url.port}`;
}

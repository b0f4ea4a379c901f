import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import type { HostKey } from './host-key.ts';
import { cutAfter, LINK_CUT_AFTER_BYTES } from './link-cut.ts';
import { slowLink } from './slow-link.ts';
import { type ExecHost, serveSession } from './ssh-exec.ts';

/** What the SSH side of a device needs. */
export interface SshFrontOptions {
  readonly host: string;
  readonly hostKey: HostKey;
  /** The port to listen on if it is free; any other where absent or taken. */
  readonly preferredPort: number | undefined;
  /** False for a port that this device must not have. */
  readonly mayTake: (port: number) => boolean;
  /** The key shown while `changed-host-key` is on; made only then. */
  readonly otherHostKey: () => HostKey;
  readonly signIn: (context: AuthContext) => void;
  readonly execHost: ExecHost;
  readonly slow: () => boolean;
  readonly showsOtherKey: () => boolean;
  /** True when the next connection is to be cut; told when it was. */
  readonly cutPending: () => boolean;
  readonly onCut: () => void;
}

const MOST_PORTS_TRIED = 200;

async function closed(server: NetServer): Promise<void> {
  const end = once(server, 'close');
  server.close();
  await end;
}

/** A device's SSH server on its own port, which stays the same while it is closed and opened again. */
export class SshFront {
  readonly #options: SshFrontOptions;
  readonly #sockets = new Set<Socket>();
  readonly #server: NetServer;
  readonly #ssh: ssh2.Server;
  #otherSsh: ssh2.Server | undefined;
  #port = 0;

  constructor(options: SshFrontOptions) {
    this.#options = options;
    this.#ssh = this.#sshServer(options.hostKey);
    this.#server = createServer({ noDelay: true }, (socket) => this.#welcome(socket));
  }

  get port(): number {
    return this.#port;
  }

  /** Starts to listen: the first time on the preferred or a free port, later on the same one. */
  async open(): Promise<void> {
    if (this.#server.listening) return;
    if (this.#port === 0) await this.#openFirst();
    else await this.#listen(this.#port);
  }

  async #openFirst(): Promise<void> {
    const { preferredPort, mayTake } = this.#options;
    if (preferredPort !== undefined && mayTake(preferredPort) && (await this.#listenIfFree(preferredPort))) {
      this.#port = preferredPort;
      return;
    }
    for (let tries = 0; tries < MOST_PORTS_TRIED; tries += 1) {
      await this.#listen(0);
      const { port } = this.#server.address() as AddressInfo;
      if (mayTake(port)) {
        this.#port = port;
        return;
      }
      await closed(this.#server);
    }
    throw new Error(`None of ${MOST_PORTS_TRIED} free ports can be used: devices of this lab had them all.`);
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, this.#options.host);
    await once(this.#server, 'listening');
  }

  async #listenIfFree(port: number): Promise<boolean> {
    try {
      await this.#listen(port);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
      throw error;
    }
  }

  /** Drops all connections and stops listening. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await closed(this.#server);
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // A client that goes away without a word is everyday life for a server.
    socket.on('error', () => socket.destroy());
    if (this.#options.cutPending()) cutAfter(socket, LINK_CUT_AFTER_BYTES, this.#options.onCut);
    // ssh2 takes any duplex stream; its types ask for a socket.
    const link = this.#options.slow() ? (slowLink(socket) as Socket) : socket;
    let ssh = this.#ssh;
    if (this.#options.showsOtherKey()) ssh = this.#otherSsh ??= this.#sshServer(this.#options.otherHostKey());
    ssh.injectSocket(link);
  }

  #sshServer(key: HostKey): ssh2.Server {
    return new ssh2.Server(
      { hostKeys: [key.privateKey], ident: 'OpenSSH_9.2p1 Debian-2+deb12u6 (rehearsal)' },
      (client) => this.#serve(client),
    );
  }

  #serve(client: Connection): void {
    // Resets and refused handshakes end the connection; there is nobody else to tell.
    client.on('error', () => client.end());
    client.on('authentication', this.#options.signIn);
    client.on('session', (accept) => serveSession(accept(), this.#options.execHost));
    // Forwarding of any kind is refused by having no listener for it.
  }
}

import { once } from 'node:events';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import type { HostKey } from './host-key.ts';
import { cutAfter, LINK_CUT_AFTER_BYTES } from './link-cut.ts';
import { slowLink } from './slow-link.ts';
import { type ExecHost, serveSession } from './ssh-exec.ts';

/** What the SSH side of a device needs. */
export interface SshFrontOptions {
  readonly host: string;
  readonly hostKey: HostKey;
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

  /** Starts to listen: the first time on a free port, later on the same one. */
  async open(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, this.#options.host);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  /** Drops all connections and stops listening. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
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

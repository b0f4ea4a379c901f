import type { AddressInfo } from 'node:net';
import { type AuthContext, type Connection, Server, type ServerChannel, utils } from 'ssh2';
import { hostKeyFingerprint } from '../fingerprint.ts';
import { makeKeyPair } from './key-pair.ts';

export interface HostileServerOptions {
  /** Decides every login attempt; accepts all when absent. */
  readonly onLogin?: (attempt: AuthContext) => void;
  /** Sees every connection first. */
  readonly onConnection?: (connection: Connection) => void;
  /** Takes a session instead of answering it. */
  readonly onSession?: () => void;
  /** Behaves as the device does once a command is started. */
  readonly onCommand?: (channel: ServerChannel, command: string, connection: Connection) => void;
}

export interface HostileServer {
  readonly port: number;
  readonly fingerprint: string;
  /** Methods clients tried, in order, with what they revealed. */
  readonly attempts: readonly { readonly method: string; readonly secret: string | undefined }[];
  readonly connectionsSeen: () => number;
  stop(): Promise<void>;
}

/** An SSH server in this process that behaves as a test wants. */
export async function startHostileServer(options: HostileServerOptions = {}): Promise<HostileServer> {
  const keys = makeKeyPair();
  const parsed = utils.parseKey(keys.private);
  if (parsed instanceof Error) throw parsed;
  const attempts: { method: string; secret: string | undefined }[] = [];
  const open = new Set<Connection>();
  let seen = 0;
  const server = new Server({ hostKeys: [keys.private] }, (connection) => {
    seen += 1;
    open.add(connection);
    connection.on('error', () => undefined);
    connection.on('close', () => open.delete(connection));
    connection.on('authentication', (attempt) => {
      attempts.push({
        method: attempt.method,
        secret: attempt.method === 'password' ? attempt.password : undefined,
      });
      if (options.onLogin === undefined) attempt.accept();
      else options.onLogin(attempt);
    });
    options.onConnection?.(connection);
    connection.on('session', (accept) => {
      if (options.onSession !== undefined) return options.onSession();
      accept().on('exec', (acceptCommand, _reject, { command }) => {
        const channel = acceptCommand();
        channel.on('error', () => undefined);
        options.onCommand?.(channel, command, connection);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    fingerprint: hostKeyFingerprint(parsed.getPublicSSH()),
    attempts,
    connectionsSeen: () => seen,
    stop: async () => {
      for (const connection of open) connection.end();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

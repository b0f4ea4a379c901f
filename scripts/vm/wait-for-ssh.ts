// Waits until a VM answers by SSH, with the key that it was given and the login that was made for it.
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import ssh2 from 'ssh2';

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  /** The host key that it has to show, as the bytes that SSH sends. */
  readonly hostKey: Uint8Array;
}

/** It did not answer in time; says how far it came. */
export class NotReachable extends Error {}

/**
 * Logs in as soon as that works, and gives what a command prints there.
 * @throws {NotReachable} after the limit, with the last reason; the signal's reason when it is aborted
 */
export async function commandOverSsh(
  login: Login,
  command: string,
  { limitMs, signal, now = Date.now }: { limitMs: number; signal: AbortSignal; now?: () => number },
): Promise<string> {
  const giveUpAt = now() + limitMs;
  let last = 'it did not answer';
  while (now() < giveUpAt) {
    signal.throwIfAborted();
    try {
      if (await sendsBanner(login, 3_000)) {
        return await run(login, command, Math.max(giveUpAt - now(), 1_000), signal);
      }
    } catch (error) {
      signal.throwIfAborted();
      last = error instanceof Error ? error.message : String(error);
    }
    await pause(1_000, undefined, { signal });
  }
  throw new NotReachable(last);
}

/** Whether an SSH server greets there. QEMU takes every connection at once, also when nobody listens in the VM. */
async function sendsBanner({ host, port }: Login, limitMs: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const finish = (greets: boolean): void => {
      socket.destroy();
      resolve(greets);
    };
    socket.setTimeout(limitMs, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('data', (data) => finish(data.subarray(0, 4).toString('latin1') === 'SSH-'));
  });
}

async function run(login: Login, command: string, limitMs: number, signal: AbortSignal): Promise<string> {
  const client = new ssh2.Client();
  let showedAnotherKey = false;
  try {
    return await new Promise<string>((resolve, reject) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
      limit.addEventListener('abort', () => reject(limit.reason), { once: true });
      client.once('error', (error) => {
        reject(showedAnotherKey ? new Error('it shows another host key than the one it was given') : error);
      });
      client.once('close', () => reject(new Error('it closed the connection')));
      client.once('ready', () => {
        client.exec(command, (error, channel) => {
          if (error) return reject(error);
          let output = '';
          channel.setEncoding('utf8').on('data', (text: string) => {
            output = (output + text).slice(-4_000);
          });
          channel.stderr.resume();
          channel.once('close', () => resolve(output));
        });
      });
      client.connect({
        ...{ host: login.host, port: login.port, username: login.user, privateKey: login.privateKey },
        algorithms: { serverHostKey: ['ssh-ed25519'] },
        readyTimeout: 60_000,
        hostVerifier: (key: Buffer) => {
          showedAnotherKey = !key.equals(login.hostKey);
          return !showedAnotherKey;
        },
      });
    });
  } finally {
    client.end();
  }
}

import { once } from 'node:events';
import type { Readable } from 'node:stream';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import { HANGS_AFTER_MS } from '#shared/testing/patience.ts';
import type { RehearsalDevice } from '../model.ts';

/** What a command gave back. */
export interface Ran {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Signs in; rejects with ssh2's own error. */
export async function connectTo(device: RehearsalDevice, how: ConnectConfig): Promise<Client> {
  const client = new ssh2.Client();
  const ready = once(client, 'ready');
  client.connect({
    host: device.host,
    port: device.port,
    username: device.user,
    readyTimeout: HANGS_AFTER_MS,
    ...how,
  });
  await ready;
  // ssh2 leaves Nagle's algorithm on, which costs 40 ms per exchange on loopback.
  client.setNoDelay(true);
  // Later errors (a cut link) are seen by the commands that break.
  client.on('error', () => undefined);
  return client;
}

/** Runs one command to its end. */
export async function runOn(
  client: Client,
  command: string,
  stdin: string | Buffer | Readable = '',
): Promise<Ran> {
  return await new Promise<Ran>((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) return reject(error);
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let end: { code: number | undefined; signal: string | undefined } | undefined;
      channel.on('data', (chunk: Buffer) => out.push(chunk));
      channel.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      channel.on('exit', (code: number | null, signal?: string) => {
        end = { code: code ?? undefined, signal };
      });
      channel.once('close', () => {
        if (end === undefined) return reject(new Error('The channel closed without an exit status.'));
        resolve({
          ...end,
          stdout: Buffer.concat(out).toString('utf8'),
          stderr: Buffer.concat(err).toString('utf8'),
        });
      });
      if (typeof stdin === 'string' || Buffer.isBuffer(stdin)) channel.end(stdin);
      else stdin.pipe(channel);
    });
  });
}

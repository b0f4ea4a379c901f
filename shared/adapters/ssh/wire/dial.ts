import { lookup } from 'node:dns';
import { Socket } from 'node:net';
import type { Clock } from '../../../engine/ports.ts';

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** 0 for any. */
  readonly family: 0 | 4 | 6;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The system's resolver unless said otherwise. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** After so long the next address is tried as well, while the first one goes on (RFC 8305, section 5). */
const NEXT_ADDRESS_MS = 300;
/** A name that resolves to more is tried at the first ones. */
const MOST_ADDRESSES = 8;

/**
 * Opens one TCP connection: to the first address of the host that answers. Addresses are tried in the resolver's
 * order, a later one early only when those before keep silent, and all but the winner are hung up on.
 * @throws what the operating system says of the last address, or the signal's reason
 */
export async function dial(options: DialOptions): Promise<Socket> {
  const { clock, signal } = options;
  signal.throwIfAborted();
  const found = await (options.resolve?.(options.host) ?? resolveBySystem(options));
  const addresses = alternating(found.slice(0, MOST_ADDRESSES));
  if (addresses.length === 0)
    throw Object.assign(new Error('The name has no address.'), { code: 'ENOTFOUND' });
  signal.throwIfAborted();
  return new Promise((done, failed) => {
    const open = new Set<Socket>();
    let next = 0;
    let cancelNext: () => void = () => undefined;
    const settle = (winner: Socket | undefined, outcome: () => void) => {
      cancelNext();
      signal.removeEventListener('abort', onAbort);
      for (const socket of open) if (socket !== winner) socket.destroy();
      outcome();
    };
    const onAbort = () => settle(undefined, () => failed(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });

    const tryNext = () => {
      cancelNext();
      const address = addresses[next];
      if (address === undefined) return;
      next += 1;
      const socket = new Socket();
      open.add(socket);
      socket.once('connect', () => {
        socket.removeAllListeners();
        // Small messages must not wait for a delayed acknowledgement.
        socket.setNoDelay(true);
        settle(socket, () => done(socket));
      });
      socket.on('error', (error) => {
        if (!open.delete(socket)) return;
        socket.destroy();
        if (next < addresses.length) tryNext();
        else if (open.size === 0) settle(undefined, () => failed(error));
      });
      socket.connect({ host: address, port: options.port });
      if (next < addresses.length) cancelNext = clock.after(NEXT_ADDRESS_MS, tryNext);
    };
    tryNext();
  });
}

function resolveBySystem({ host, family, signal }: DialOptions): Promise<readonly string[]> {
  return new Promise((done, failed) => {
    const onAbort = () => failed(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    lookup(host, { all: true, family, verbatim: true }, (error, found) => {
      signal.removeEventListener('abort', onAbort);
      if (error) failed(error);
      else done(found.map(({ address }) => address));
    });
  });
}

/** The order of the resolver, with the families taking turns: one that is broken as a whole costs one wait only. */
function alternating(addresses: readonly string[]): string[] {
  const isSix = (address: string) => address.includes(':');
  const [first] = addresses;
  if (first === undefined) return [];
  const same = addresses.filter((one) => isSix(one) === isSix(first));
  const other = addresses.filter((one) => isSix(one) !== isSix(first));
  const rows = Math.max(same.length, other.length);
  return Array.from({ length: rows }, (_, index) => [same[index], other[index]])
    .flat()
    .filter((one) => one !== undefined);
}

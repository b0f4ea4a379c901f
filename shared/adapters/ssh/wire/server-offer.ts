import type { Algorithms } from 'ssh2';
import { printable } from '../../../model/printable.ts';
import { SshReader } from './ssh-bytes.ts';

/** The algorithms a server offers, from its first packet (RFC 4253, section 7.1). */
export interface ServerOffer {
  readonly kex: readonly string[];
  readonly hostKey: readonly string[];
  readonly cipher: readonly string[];
  readonly hmac: readonly string[];
}

const KEXINIT = 20;
const COOKIE_BYTES = 16;

/**
 * The offer within the first bytes a server sent, its version line included. Undefined when it is not complete there,
 * or no such packet.
 */
export function readServerOffer(firstBytes: Buffer): ServerOffer | undefined {
  const version = /(?:^|\n)SSH-[^\n]*\n/.exec(firstBytes.toString('latin1'));
  if (version === null) return undefined;
  try {
    const packet = new SshReader(firstBytes.subarray(version.index + version[0].length));
    const lengthBytes = packet.uint32();
    const payload = new SshReader(packet.take(lengthBytes).subarray(1));
    if (payload.take(1)[0] !== KEXINIT) return undefined;
    payload.take(COOKIE_BYTES);
    const [kex, hostKey] = [payload.names(), payload.names()];
    payload.names();
    const cipher = payload.names();
    payload.names();
    return { kex, hostKey, cipher, hmac: payload.names() };
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** What server and station have nothing in common of, as sentences; empty when they agree. */
export function disagreements(offer: ServerOffer, ours: Algorithms): string[] {
  const rows = [
    ['key exchange', offer.kex, ours.kex],
    ['host key', offer.hostKey, ours.serverHostKey],
    ['cipher', offer.cipher, ours.cipher],
    ['integrity check', offer.hmac, ours.hmac],
  ] as const;
  const isAead = offer.cipher
    .find((name) => (ours.cipher as readonly string[]).includes(name))
    ?.includes('gcm');
  return rows
    .filter(([part]) => !(part === 'integrity check' && isAead))
    .filter(([, theirs, own]) => !theirs.some((name) => (own as readonly string[]).includes(name)))
    .map(([part, theirs]) => `${part}: the server offers only ${printable(theirs.join(', ')).slice(0, 400)}`);
}

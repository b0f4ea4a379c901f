import { defaultOutputLimits, type OutputLimits } from '../command/limits.ts';
import { defaultWireLimits, type WireLimits } from './wire/wire-guard.ts';

/** What a device may make the station wait for or keep. A hostile device meets these and nothing else. */
export interface SshLimits extends OutputLimits, WireLimits {
  /** From dialling to being logged in, milliseconds. */
  readonly connectMs: number;
  readonly keepaliveMs: number;
  readonly keepaliveMisses: number;
  /** Messages a device may send before the login is over. */
  readonly banners: number;
  /** Rounds of questions a device may put before the login is over. */
  readonly questions: number;
  /** Logins at once on one host: sshd drops unauthenticated connections from the tenth on (MaxStartups). */
  readonly handshakes: number;
}

export const defaultSshLimits: SshLimits = {
  ...defaultOutputLimits,
  ...defaultWireLimits,
  connectMs: 20_000,
  keepaliveMs: 10_000,
  keepaliveMisses: 3,
  banners: 16,
  questions: 8,
  handshakes: 8,
};

import { defaultOutputLimits, type OutputLimits } from '../command/limits.ts';

/** What a device may make the station wait for or keep. A hostile device meets these and nothing else. */
export interface SshLimits extends OutputLimits {
  /** From dialling to being logged in, milliseconds. */
  readonly connectMs: number;
  readonly keepaliveMs: number;
  readonly keepaliveMisses: number;
  /** Messages a device may send before the login is over. */
  readonly banners: number;
  /** sshd drops unauthenticated connections from the tenth on (MaxStartups), and a bench may share one gateway. */
  readonly handshakes: number;
}

export const defaultSshLimits: SshLimits = {
  ...defaultOutputLimits,
  connectMs: 20_000,
  keepaliveMs: 10_000,
  keepaliveMisses: 3,
  banners: 16,
  handshakes: 8,
};

/** What a device may make the station wait for or keep. A hostile device meets these and nothing else. */
export interface SshLimits {
  /** From dialling to being logged in, milliseconds. */
  readonly connectMs: number;
  readonly keepaliveMs: number;
  readonly keepaliveMisses: number;
  /** One line of output, in UTF-16 units. */
  readonly lineLength: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Messages a device may send before the login is over. */
  readonly banners: number;
  /** sshd drops unauthenticated connections from the tenth on (MaxStartups), and a bench may share one gateway. */
  readonly handshakes: number;
}

export const defaultSshLimits: SshLimits = {
  connectMs: 20_000,
  keepaliveMs: 10_000,
  keepaliveMisses: 3,
  lineLength: 64 * 1024,
  stdoutBytes: 4 * 1024 * 1024,
  stderrBytes: 1024 * 1024,
  banners: 16,
  handshakes: 8,
};

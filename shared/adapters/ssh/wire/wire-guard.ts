import type { Duplex } from 'node:stream';

/** What a device may send and leave unread, before and after the login. */
export interface WireLimits {
  /** Before the line with its version: sshd may say why it hangs up. */
  readonly greetingBytes: number;
  /** From the first byte to the end of the login. */
  readonly loginBytes: number;
  /** In the whole life of a connection, whatever it carries. */
  readonly sessionBytes: number;
  /** Sent by the station and not taken by the device. */
  readonly unreadBytes: number;
}

export const defaultWireLimits: WireLimits = {
  greetingBytes: 16 * 1024,
  loginBytes: 256 * 1024,
  sessionBytes: 256 * 1024 * 1024,
  unreadBytes: 16 * 1024 * 1024,
};

export interface WireGuard {
  /** The first bytes the device sent, at most {@link KEPT_BYTES}. */
  firstBytes(): Buffer;
  /** What came before the version line, or all there was when none came. */
  greeting(): string;
  loginIsOver(): void;
}

const KEPT_BYTES = 16 * 1024;

/**
 * Counts what a device sends, beside the SSH library and independent of what it makes of it: ignored messages,
 * requests without end, prompts without end all come as bytes. Call it when the library has taken the stream, so that
 * nothing is lost.
 */
export function guardWire(
  stream: Duplex,
  limits: WireLimits,
  onProblem: (problem: string) => void,
): WireGuard {
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let received = 0;
  let loginOver = false;
  let versionSeen = false;
  const firstBytes = () => Buffer.concat(kept);

  const onData = (bytes: Buffer) => {
    received += bytes.length;
    if (!loginOver && keptBytes < KEPT_BYTES) {
      const part = bytes.subarray(0, KEPT_BYTES - keptBytes);
      kept.push(Buffer.from(part));
      keptBytes += part.length;
      versionSeen ||= /(?:^|\n)SSH-[^\n]*\n/.test(firstBytes().toString('latin1'));
    }
    const problem = problemOf();
    if (problem === undefined) return;
    stream.off('data', onData);
    onProblem(problem);
  };

  const problemOf = (): string | undefined => {
    if (!versionSeen && received >= limits.greetingBytes)
      return `${limits.greetingBytes} bytes came and no version line`;
    if (!loginOver && received > limits.loginBytes)
      return `more than ${limits.loginBytes} bytes came before the login was over`;
    if (received > limits.sessionBytes)
      return `more than ${limits.sessionBytes} bytes came over one connection`;
    if (stream.writableLength > limits.unreadBytes)
      return `it does not read what it is sent, ${limits.unreadBytes} bytes wait`;
    return undefined;
  };

  stream.on('data', onData);
  return {
    firstBytes,
    greeting: () => {
      const text = firstBytes().toString('utf8');
      const at = text.search(/(?:^|\n)SSH-/);
      return (at < 0 ? text : text.slice(0, at)).slice(0, 2000);
    },
    loginIsOver: () => {
      loginOver = true;
      kept.length = 0;
    },
  };
}

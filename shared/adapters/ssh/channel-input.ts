import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import type { Clock } from '../../engine/ports.ts';
import type { CommandInput } from '../command/command-transport.ts';

/**
 * Bytes that may wait in this process for the link. Below it the system's own buffer, which is filled first, keeps
 * a fast link busy; above it memory would be all that grows.
 */
const MOST_WAITING_BYTES = 256 * 1024;
/**
 * Bytes on their way before the device has confirmed any; OpenSSH does so from 96 KiB on. Each confirmed byte allows
 * one more.
 */
const FIRST_UNCONFIRMED_BYTES = 128 * 1024;

/** Some servers confirm only megabytes at once. After so long without a word as much again may go. */
const SILENCE_MS = 100;

/** What ssh2 keeps of the far side of a channel: how many bytes the device takes at the moment. */
interface FarSide {
  window: number;
}

/**
 * Counts what the device has confirmed by opening its window again. ssh2 tells nobody, so its counter is watched. Only
 * this shows how fast a link is when something on the way takes a lot at once: a gateway, a jump host, a system's buffer.
 */
function watchConfirmed(channel: ClientChannel): {
  readonly bytes: () => number;
  onMore(call: () => void): void;
} {
  const farSide = (channel as unknown as { readonly outgoing?: FarSide }).outgoing;
  let confirmed = 0;
  let waiting: (() => void)[] = [];
  if (farSide === undefined) return { bytes: () => Number.POSITIVE_INFINITY, onMore: () => undefined };
  let window = farSide.window;
  Object.defineProperty(farSide, 'window', {
    get: () => window,
    set: (value: number) => {
      const more = value - window;
      window = value;
      if (more <= 0) return;
      confirmed += more;
      const calls = waiting;
      waiting = [];
      for (const call of calls) call();
    },
  });
  return { bytes: () => confirmed, onMore: (call) => waiting.push(call) };
}

/**
 * Standard input of a command on a device, at the pace of link and device: ssh2 alone would put two megabytes for every
 * device into memory, and hide a slow link.
 */
export function createChannelInput(
  channel: ClientChannel,
  link: Writable | undefined,
  clock: Clock,
): CommandInput {
  const closing = new AbortController();
  channel.once('close', () => closing.abort());
  const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()));
  const confirmed = watchConfirmed(channel);
  let sentBytes = 0;
  let unheardBytes = FIRST_UNCONFIRMED_BYTES;
  const isOpen = () => channel.writable && !closing.signal.aborted;
  const isAhead = () => sentBytes > unheardBytes + 2 * confirmed.bytes();
  return {
    get isOpen() {
      return isOpen();
    },
    get arrivedBytes() {
      return Math.min(confirmed.bytes(), sentBytes);
    },
    write: async (bytes) => {
      if (!isOpen()) return;
      sentBytes += bytes.length;
      // A channel that is closed meanwhile never calls back.
      await Promise.race([new Promise<void>((taken) => channel.write(bytes, () => taken())), closed]);
      // It rejects when the link breaks, which whoever opened the channel is told as well.
      while (link !== undefined && isOpen() && link.writableLength > MOST_WAITING_BYTES)
        await once(link, 'drain', { signal: closing.signal }).catch(() => undefined);
      while (isOpen() && isAhead()) {
        let cancel: () => void = () => undefined;
        const silence = new Promise<void>((resolve) => {
          cancel = clock.after(SILENCE_MS, () => {
            unheardBytes += FIRST_UNCONFIRMED_BYTES;
            resolve();
          });
        });
        const more = new Promise<void>((resolve) => confirmed.onMore(resolve));
        await Promise.race([more, silence, closed]);
        cancel();
      }
    },
    end: () => channel.end(),
  };
}

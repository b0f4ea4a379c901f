import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import type { CommandInput } from '../command/command-transport.ts';

/**
 * Bytes that may wait in this process for the link. Below it the system's own buffer, which is filled first, keeps
 * a fast link busy; above it memory would be all that grows.
 */
const MOST_WAITING_BYTES = 256 * 1024;

/**
 * Standard input of a command on a device, at the pace of the link: the device's window alone would let ssh2 put two
 * megabytes for every device into memory, and hide a slow link.
 */
export function createChannelInput(channel: ClientChannel, link: Writable | undefined): CommandInput {
  const closing = new AbortController();
  channel.once('close', () => closing.abort());
  const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()));
  const isOpen = () => channel.writable && !closing.signal.aborted;
  const waitsForLink = () => link !== undefined && link.writableLength > MOST_WAITING_BYTES;
  return {
    get isOpen() {
      return isOpen();
    },
    write: async (bytes) => {
      if (!isOpen()) return;
      // A channel that is closed meanwhile never calls back.
      await Promise.race([new Promise<void>((taken) => channel.write(bytes, () => taken())), closed]);
      // It rejects when the link breaks, which whoever opened the channel is told as well.
      while (link !== undefined && isOpen() && waitsForLink())
        await once(link, 'drain', { signal: closing.signal }).catch(() => undefined);
    },
    end: () => channel.end(),
  };
}

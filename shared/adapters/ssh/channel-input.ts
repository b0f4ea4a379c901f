import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import type { CommandInput } from '../command/command-transport.ts';

/**
 * Bytes that may wait in this process for the link. Below it the system's own buffer, which is filled first, keeps
 * a fast link busy; above it memory would be all that grows.
 */
const MOST_WAITING_BYTES = 256 * 1024;

/**
 * The stream a connection writes to. ssh2 hands a channel's bytes on as long as the device's window is open (2 MiB with
 * OpenSSH) and does not look whether anything takes them; this is the only place where that can be seen.
 */
export function linkOf(client: Client): Writable | undefined {
  return (client as { readonly _sock?: Writable })._sock;
}

/** Standard input of a command on a device, at the pace of the link and not only of the device's window. */
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

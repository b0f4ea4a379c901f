import type { Writable } from 'node:stream';

/**
 * Has a stream send together what is written to it in one go. ssh2 writes every packet in three pieces, of which two
 * are a few bytes: sent one by one, a system call and often a segment each, they cost more than the packet's content.
 */
export function gatherWrites(stream: Writable): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let isGathering = false;
  const send = () => {
    isGathering = false;
    stream.uncork();
  };
  stream.write = ((...args: unknown[]) => {
    if (!isGathering) {
      isGathering = true;
      stream.cork();
      process.nextTick(send);
    }
    return write(...args);
  }) as Writable['write'];
}

import type { Socket } from 'node:net';

/** How much the fault `link-cut` lets through before it drops the connection, in bytes. */
export const LINK_CUT_AFTER_BYTES = 256 * 1024;

/** Drops a connection once it has carried so many bytes to the device. */
export function cutAfter(socket: Socket, bytes: number, onCut: () => void): void {
  const look = (): void => {
    if (socket.bytesRead < bytes) return;
    socket.off('data', look);
    onCut();
    socket.resetAndDestroy();
  };
  socket.on('data', look);
}

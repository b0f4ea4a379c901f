/**
 * An address of this computer that no other process listens on or connects from: who closes a port there gets the same one
 * again. On Linux every address of 127/8 is one of this computer; elsewhere it is the usual one, and luck.
 */
export function ownLoopback(): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  const { pid } = process;
  return [127, 64 + ((pid >> 16) % 64), (pid >> 8) % 256, pid % 256].join('.');
}

// Carries frames between two TAP devices, opened as file descriptors 3 and 4, as a slow or bad link would.
import fs from 'node:fs';
import { type LinkShape, shapeDirection } from './link-shape.ts';

const shape = JSON.parse(process.argv[2] ?? '') as LinkShape;
const mostFrameBytes = 65_536;

/**
 * Reads one frame after another; each goes out when its time has come, and never before one that came in earlier: a
 * link loses and delays, but what arrives out of order looks to TCP like loss, and would make it slower than the link.
 */
function carry(from: number, to: number): void {
  const departure = shapeDirection(shape);
  const buffer = Buffer.alloc(mostFrameBytes);
  const underway: { readonly frame: Buffer; readonly departsAt: number }[] = [];
  const sendDue = () => {
    for (let first = underway[0]; first; first = underway[0]) {
      const waitMs = first.departsAt - performance.now();
      if (waitMs > 0) return void setTimeout(sendDue, waitMs);
      send(to, first.frame);
      underway.shift();
    }
  };
  const next = () =>
    fs.read(from, buffer, 0, mostFrameBytes, null, (error, bytes) => {
      if (error) throw error;
      const nowMs = performance.now();
      const departsAt = departure(bytes, nowMs);
      if (departsAt !== undefined) {
        underway.push({ frame: Buffer.from(buffer.subarray(0, bytes)), departsAt });
        if (underway.length === 1) setTimeout(sendDue, departsAt - nowMs);
      }
      next();
    });
  next();
}

/** Puts a frame onto an interface, which takes it or not at once. */
function send(to: number, frame: Buffer): void {
  try {
    fs.writeSync(to, frame);
  } catch (error) {
    // A pulled cable: the interface is down and what would pass is lost.
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  }
}

carry(3, 4);
carry(4, 3);

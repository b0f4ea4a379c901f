// Carries frames between two TAP devices, opened as file descriptors 3 and 4, as a slow or bad link would.
import fs from 'node:fs';
import { type LinkShape, shapeDirection } from './link-shape.ts';

const shape = JSON.parse(process.argv[2] ?? '') as LinkShape;
const mostFrameBytes = 65_536;

/** Reads one frame after another; each goes out when its time has come. */
function carry(from: number, to: number): void {
  const departure = shapeDirection(shape);
  const buffer = Buffer.alloc(mostFrameBytes);
  const next = () =>
    fs.read(from, buffer, 0, mostFrameBytes, null, (error, bytes) => {
      if (error) throw error;
      const frame = Buffer.from(buffer.subarray(0, bytes));
      const nowMs = performance.now();
      const departsAt = departure(bytes, nowMs);
      if (departsAt !== undefined) setTimeout(() => send(to, frame), departsAt - nowMs);
      next();
    });
  next();
}

function send(to: number, frame: Buffer): void {
  fs.write(to, frame, (error) => {
    // A pulled cable: the interface is down and what would pass is lost.
    if (error && error.code !== 'EIO') throw error;
  });
}

carry(3, 4);
carry(4, 3);

/** How a slow or bad link treats what passes, the same in both directions. */
export interface LinkShape {
  readonly bitsPerSecond: number;
  /** Half of what a packet and its answer take. */
  readonly oneWayMs: number;
  /** Each frame of this number, and of its multiples, is lost; 0 loses none. */
  readonly loseEvery: number;
  /** At the end of each so long period … */
  readonly periodMs: number;
  /** … nothing passes for this long; 0 for never. */
  readonly deadMs: number;
}

/** Frames that wait for a slow link longer than this are dropped, as a router's full buffer drops them. */
const mostQueuedMs = 1_000;

/**
 * One direction of a shaped link.
 * @returns a function that gives, for a frame of so many bytes that arrives at `nowMs`, when it comes out at the other
 *   end; undefined when it is lost
 */
export function shapeDirection(shape: LinkShape): (bytes: number, nowMs: number) => number | undefined {
  let freeAt = 0;
  let frames = 0;
  return (bytes, nowMs) => {
    frames += 1;
    if (shape.loseEvery > 0 && frames % shape.loseEvery === 0) return undefined;
    if (shape.deadMs > 0 && nowMs % shape.periodMs >= shape.periodMs - shape.deadMs) return undefined;
    const startsAt = Math.max(nowMs, freeAt);
    if (startsAt - nowMs > mostQueuedMs) return undefined;
    freeAt = startsAt + (bytes * 8_000) / shape.bitsPerSecond;
    return freeAt + shape.oneWayMs;
  };
}

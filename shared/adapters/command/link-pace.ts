/** How fast what is sent arrives, over the last while. */
export interface LinkPace {
  /** Bytes a second; undefined while nothing is known. */
  readonly bytesPerSecond: number | undefined;
  /** How many bytes have arrived by now, in all. Said after every write. */
  record(arrivedBytes: number, atMs: number): void;
}

/** Long enough to even out what arrives in bursts, short enough to follow a link that changes. */
const WINDOW_MS = 500;
/** What a pipe and its neighbours take before anybody reads: until then a shell that starts would pass for a slow link. */
const BUFFERED_BYTES = 128 * 1024;

export function createLinkPace(): LinkPace {
  const samples: { readonly bytes: number; readonly atMs: number }[] = [];
  return {
    record: (bytes, atMs) => {
      if (bytes < BUFFERED_BYTES) return;
      samples.push({ bytes, atMs });
      while ((samples[1]?.atMs ?? atMs) < atMs - WINDOW_MS) samples.shift();
    },
    get bytesPerSecond() {
      const [first] = samples;
      const last = samples.at(-1);
      if (first === undefined || last === undefined || first === last) return undefined;
      return ((last.bytes - first.bytes) * 1000) / Math.max(last.atMs - first.atMs, 0.01);
    },
  };
}

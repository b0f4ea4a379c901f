/** How fast what is sent is taken, over the last few writes. */
export interface LinkPace {
  /** Bytes a second; infinite while nothing had to wait, undefined before the first write. */
  readonly bytesPerSecond: number | undefined;
  /** One write: its bytes, and how long it took until more was wanted. */
  record(bytes: number, ms: number): void;
}

/** Writes that count: enough to even out one slow moment, few enough to follow a link that changes. */
const WRITES = 4;

export function createLinkPace(): LinkPace {
  const last: { readonly bytes: number; readonly ms: number }[] = [];
  return {
    record: (bytes, ms) => {
      last.push({ bytes, ms });
      if (last.length > WRITES) last.shift();
    },
    get bytesPerSecond() {
      if (last.length === 0) return undefined;
      const sum = last.reduce((total, { bytes, ms }) => ({ bytes: total.bytes + bytes, ms: total.ms + ms }));
      return sum.ms <= 0 ? Number.POSITIVE_INFINITY : (sum.bytes * 1000) / sum.ms;
    },
  };
}

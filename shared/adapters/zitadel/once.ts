/**
 * Work that is done once for all who ask, also at the same time. What failed is not kept: whoever asks next tries
 * again, and so does whoever waited for somebody who gave up.
 */
export function once<T>(work: (signal: AbortSignal) => Promise<T>): Once<T> {
  let known: Promise<T> | undefined;
  return {
    ask: async (signal) => {
      for (;;) {
        const asked = known;
        if (asked === undefined) {
          const mine = work(signal);
          known = mine;
          try {
            return await mine;
          } catch (thrown) {
            if (known === mine) known = undefined;
            throw thrown;
          }
        }
        try {
          return await asked;
        } catch {
          signal.throwIfAborted();
          if (known === asked) known = undefined;
        }
      }
    },
    forget: () => {
      known = undefined;
    },
  };
}

export interface Once<T> {
  ask(signal: AbortSignal): Promise<T>;
  /** The next one who asks has it done anew. */
  forget(): void;
}

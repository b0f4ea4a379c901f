/** Lets a limited number pass at once; the others wait in order. */
export interface HandshakeGate {
  /** Resolves when it is this caller's turn; gives the function that lets the next one in. */
  enter(signal: AbortSignal): Promise<() => void>;
}

/** A gate for `width` at a time. */
export function createHandshakeGate(width: number): HandshakeGate {
  let inside = 0;
  const waiting: (() => void)[] = [];

  const leaveOnce = () => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      inside -= 1;
      waiting.shift()?.();
    };
  };

  return {
    enter: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        const admit = () => {
          signal.removeEventListener('abort', onAbort);
          inside += 1;
          resolve(leaveOnce());
        };
        const onAbort = () => {
          waiting.splice(waiting.indexOf(admit), 1);
          reject(signal.reason);
        };
        if (inside < width) {
          admit();
          return;
        }
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(admit);
      }),
  };
}

/** Gates of their own for all hosts: one that keeps callers waiting holds up nobody else's. */
export function createHandshakeGates(width: number): {
  enter(host: string, signal: AbortSignal): Promise<() => void>;
} {
  const gates = new Map<string, { readonly gate: HandshakeGate; users: number }>();
  return {
    enter: async (host, signal) => {
      const entry = gates.get(host) ?? { gate: createHandshakeGate(width), users: 0 };
      gates.set(host, entry);
      entry.users += 1;
      const forget = () => {
        entry.users -= 1;
        if (entry.users === 0) gates.delete(host);
      };
      try {
        const leave = await entry.gate.enter(signal);
        return () => {
          leave();
          forget();
        };
      } catch (thrown) {
        forget();
        throw thrown;
      }
    },
  };
}

import type { Clock } from '#shared/engine/ports.ts';

/**
 * A clock that runs faster than this computer's, beside servers that really answer: limits of minutes pass in
 * seconds. Ends with everything that was set on it.
 */
export class FastClock implements Clock {
  readonly #startedAt = Date.now();
  readonly #startedMs = performance.now();
  readonly #factor: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #ended = false;

  constructor(factor: number) {
    this.#factor = factor;
  }

  nowMs(): number {
    return this.#startedAt + this.monotonicMs();
  }

  monotonicMs(): number {
    return (performance.now() - this.#startedMs) * this.#factor;
  }

  /** How far it is ahead of this computer's clock. */
  get aheadSeconds(): number {
    return (this.nowMs() - Date.now()) / 1000;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        cancel();
        reject(signal.reason);
      };
      const cancel = this.after(ms, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  after(ms: number, callback: () => void): () => void {
    if (this.#ended) return () => undefined;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms / this.#factor);
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  /** No timer calls back any more. */
  end(): void {
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

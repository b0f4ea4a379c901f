import type { Clock } from '../engine/ports.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Lets everything that waits for nothing but promises run to its end. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A clock that moves only when told to. Timers run in order of their time, then of their setting. */
export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>();
  readonly #startedAt: number;
  #elapsedMs = 0;
  #order = 0;

  constructor(startedAt = Date.UTC(2026, 0, 5, 6, 0, 0)) {
    this.#startedAt = startedAt;
  }

  nowMs(): number {
    return this.#startedAt + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  get pendingTimers(): number {
    return this.#timers.size;
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
    this.#order += 1;
    const timer = { at: this.#elapsedMs + Math.max(0, ms), order: this.#order, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves time on; timers on the way run, each followed by what waits for it. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsedMs + ms;
    await settled();
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      await this.#fire(next);
    }
    this.#elapsedMs = end;
  }

  /** Moves time on from timer to timer until the work has settled. Gives up after `limitMs` of this clock. */
  async run<T>(work: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    work.then(mark, mark);
    const end = this.#elapsedMs + limitMs;
    await settled();
    while (!isSettled) {
      const next = this.#next();
      if (next === undefined) throw new Error('The work waits, but for no timer.');
      if (next.at > end) throw new Error(`The work did not end in ${limitMs} ms.`);
      await this.#fire(next);
    }
    return work;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer;
    }
    return first;
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers.delete(timer);
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.at);
    timer.callback();
    await settled();
  }
}

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
  #outside = 0;
  #cameBack: (() => void) | undefined;

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

  /**
   * Holds time while this works on something outside, such as a real server, that answers in this computer's time:
   * for the clock it takes no time at all.
   */
  async whileOutside<T>(work: () => Promise<T>): Promise<T> {
    const back = this.goOutside();
    try {
      return await work();
    } finally {
      back();
    }
  }

  /** The same where the end is known elsewhere. Gives what is called at the end; a second call does nothing. */
  goOutside(): () => void {
    this.#outside += 1;
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      this.#outside -= 1;
      if (this.#outside === 0) this.#cameBack?.();
    };
  }

  /** Moves time on; timers on the way run, each followed by what waits for it. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsedMs + ms;
    await this.#settled();
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
    await this.#settled();
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
    await this.#settled();
  }

  /** Until nothing is outside and everything that waits for nothing but promises has run to its end. */
  async #settled(): Promise<void> {
    await settled();
    while (this.#outside > 0) {
      await new Promise<void>((resolve) => {
        this.#cameBack = resolve;
      });
      this.#cameBack = undefined;
      await settled();
    }
  }
}

import type { Clock } from '../engine/ports.ts';

const HEARTBEAT_EVERY_MS = 30_000;
const FIRST_HEARTBEAT_AFTER_MS = 1_000;

/** The agent of a fake device: it reads its key once, when it starts, as the real one does, and reports with that. */
export class FakeAgent {
  readonly #clock: Clock;
  readonly #report: (keyId: string) => void;
  #cancelNext: (() => void) | undefined;

  constructor(clock: Clock, report: (keyId: string) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  /** Starts anew, with this key from now on. Without one it says nothing. */
  start(keyId: string | undefined): void {
    this.stop();
    const tick = (): void => {
      if (keyId !== undefined) this.#report(keyId);
      this.after(HEARTBEAT_EVERY_MS, tick);
    };
    this.after(FIRST_HEARTBEAT_AFTER_MS, tick);
  }

  /** What it does next, unless it is stopped before. */
  after(ms: number, act: () => void): void {
    this.#cancelNext = this.#clock.after(ms, act);
  }

  stop(): void {
    this.#cancelNext?.();
  }
}

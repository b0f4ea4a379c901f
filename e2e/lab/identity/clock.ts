/** The provider's clock. It can be set wrong; then dates, tokens and the judging of assertions all follow it. */
export class LabClock {
  /** How far it is ahead, in seconds. */
  offsetSeconds = 0;
  #source: () => number = Date.now;

  /** Takes its time, in milliseconds since the epoch, from another clock than this computer's. */
  follow(source: () => number): void {
    this.#source = source;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.recorded() + this.offsetSeconds * 1000;
  }

  /** The same by the clock that entries and searches go by, which is never set wrong. */
  recorded(): number {
    return this.#source();
  }
}

/** The provider's clock. It can be set wrong; then dates, tokens and the judging of assertions all follow it. */
export class LabClock {
  /** How far it is ahead of this computer's clock, in seconds. */
  offsetSeconds = 0;

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.offsetSeconds * 1000;
  }
}

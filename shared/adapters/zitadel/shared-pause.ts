import type { Clock, Random } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { waitText } from '../../model/duration-text.ts';

/** A call waits no longer than this for all its pauses together. */
const LONGEST_WAIT_MS = 10 * 60_000;
/** Nobody is believed who asks for more: after this the provider is asked again. */
const LONGEST_PAUSE_MS = 60 * 60_000;
/** Shorter ones, and what follows a pause that was told by less than this, are nobody's business. */
const TOLD_FROM_MS = 10_000;
const SPREAD_MS = 250;

/**
 * The pause that the provider has asked for: one "too many requests" slows every device's calls down, not only the call
 * that met it. While it is longer than anybody waits, no request is made at all.
 */
export class SharedPause {
  readonly #clock: Clock;
  readonly #random: Pick<Random, 'fraction'>;
  readonly #issuer: string;
  readonly #onPause: (ms: number) => void;
  #endsAtMs = 0;
  #toldUntilMs = 0;
  #evidence = '';

  /** @param onPause a pause has begun that somebody will notice; with its length */
  constructor(
    ports: { readonly clock: Clock; readonly random: Pick<Random, 'fraction'> },
    issuer: string,
    onPause: (ms: number) => void,
  ) {
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#issuer = issuer;
    this.#onPause = onPause;
  }

  /**
   * The provider asks for a pause from now on.
   * @param evidence of its answer
   */
  askedFor(ms: number, evidence: string): void {
    const now = this.#clock.monotonicMs();
    const endsAtMs = now + Math.min(ms, LONGEST_PAUSE_MS);
    if (endsAtMs <= this.#endsAtMs) return;
    this.#endsAtMs = endsAtMs;
    this.#evidence = evidence;
    if (endsAtMs - Math.max(now, this.#toldUntilMs) < TOLD_FROM_MS) return;
    this.#toldUntilMs = endsAtMs;
    this.#onPause(endsAtMs - now);
  }

  /**
   * Returns when the pause is over, also one that grew meanwhile.
   * @param begunAtMs when the call began, by the clock that nobody sets
   * @throws IDENTITY_PAUSED at once when that is later than a call waits
   */
  async waitOut(begunAtMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#endsAtMs - this.#clock.monotonicMs();
      if (leftMs <= 0) return;
      if (this.#endsAtMs > begunAtMs + LONGEST_WAIT_MS) {
        throw new EnrollmentError('IDENTITY_PAUSED', {
          details: { issuer: this.#issuer, wait: waitText(leftMs) },
          subject: this.#issuer,
          evidence: this.#evidence,
        });
      }
      // Not all at the same moment.
      await this.#clock.sleep(leftMs + this.#random.fraction() * SPREAD_MS, signal);
    }
  }
}

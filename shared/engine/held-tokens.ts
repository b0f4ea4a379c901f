import type { Clock, TokenSet } from './ports.ts';

/** A token this close to its end is renewed before it is handed out; a short-lived one in its last third. */
const RENEW_BEFORE_END_MS = 60_000;
const RENEW_IN_LAST_PART = 3;
/** A clock that is set right by its time server goes back by less. */
const CLOCK_LEEWAY_MS = 60_000;

/**
 * Tokens in use, and how long they live. Their end is counted on from the moment they came by a clock that nobody
 * sets: a wall clock that jumps neither keeps a dead token nor ends a live one.
 */
export class HeldTokens {
  readonly tokens: TokenSet;
  readonly #clock: Clock;
  readonly #endsAtMs: number;
  readonly #renewBeforeEndMs: number;

  constructor(tokens: TokenSet, clock: Clock) {
    const leftMs = leftAtFirstMs(tokens, clock.nowMs());
    this.tokens = tokens;
    this.#clock = clock;
    this.#endsAtMs = clock.monotonicMs() + leftMs;
    this.#renewBeforeEndMs = Math.min(RENEW_BEFORE_END_MS, leftMs / RENEW_IN_LAST_PART);
  }

  get isAlive(): boolean {
    return this.#leftMs > 0;
  }

  /** No use to renew them: they have just come. */
  get isFresh(): boolean {
    return this.#leftMs > RENEW_BEFORE_END_MS;
  }

  /**
   * They want to be renewed before they are handed out. A computer that slept counts no time by the one clock and has
   * it on the other, so what renews itself is renewed when either says so; that ends nothing.
   */
  get isDue(): boolean {
    if (this.#leftMs <= this.#renewBeforeEndMs) return true;
    const { refreshToken, expiresAt } = this.tokens;
    return refreshToken !== undefined && expiresAt - this.#clock.nowMs() <= this.#renewBeforeEndMs;
  }

  get #leftMs(): number {
    return this.#endsAtMs - this.#clock.monotonicMs();
  }
}

/** Of tokens that come out of a memory, by the wall clock, which is believed only where it has not gone back. */
function leftAtFirstMs({ expiresAt, receivedAt }: TokenSet, nowMs: number): number {
  const leftMs = Math.max(0, expiresAt - nowMs);
  if (receivedAt === undefined) return leftMs;
  return nowMs < receivedAt - CLOCK_LEEWAY_MS ? 0 : Math.min(leftMs, Math.max(0, expiresAt - receivedAt));
}

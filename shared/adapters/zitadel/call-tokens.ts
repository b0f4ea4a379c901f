import type { AccessTokenSource } from '../../engine/ports.ts';
import type { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Secret } from '../../model/secret.ts';

/** How a refused call is told. */
export interface RefusedCall {
  /** The sign-in has ended. */
  ended(): EnrollmentError;
  /** The sign-in is a new one, or works for others. */
  notAccepted(): EnrollmentError;
}

/**
 * The tokens of all calls, and what the provider makes of them. A refused one is renewed, once for everybody. Where it
 * refuses also what came of that, no renewal helps: the sign-in ends, and everybody waits for one new sign-in. What is
 * refused after that fails, and nobody is asked to sign in again before the provider has accepted something. So a call is
 * sent three times at most, and asks for one sign-in at most.
 */
export class CallTokens {
  readonly #tokens: AccessTokenSource;
  /** The last one that the provider did not refuse. */
  #accepted: Secret | undefined;
  #isHopeless = false;

  constructor(tokens: AccessTokenSource) {
    this.#tokens = tokens;
  }

  /** For a call that begins. */
  first(signal: AbortSignal): Promise<Secret> {
    return this.#tokens.accessToken(signal);
  }

  /** The provider has answered a call for whoever the token is of. */
  wasAccepted(token: Secret): void {
    this.#accepted = token;
    this.#isHopeless = false;
  }

  /**
   * What a call goes on with whose token was refused.
   * @param refusals how often this call was refused, with this time
   * @throws what the call fails with
   */
  async inPlaceOf(
    refused: Secret,
    refusals: number,
    call: RefusedCall,
    signal: AbortSignal,
  ): Promise<Secret> {
    // One that worked and does no more has ended in the meantime, like the one before it.
    const hasWorked = this.#accepted?.equals(refused) === true;
    if (refusals === 1 || (refusals === 2 && hasWorked)) return this.#tokens.accessToken(signal, refused);
    if (refusals > 2 || this.#isHopeless) {
      this.#isHopeless = true;
      throw call.notAccepted();
    }
    const ends = call.ended();
    const next = await this.#tokens.accessToken(signal, refused, ends);
    if (next.equals(refused)) throw ends;
    return next;
  }
}

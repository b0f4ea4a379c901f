/** One refusal may be a search that lags behind, or a provider that is ill for a moment; the same twice is its way. */
const ENOUGH_EVIDENCE = 2;

/**
 * Whether this provider is one for keys that are born on devices. A refused login says little: the token endpoint answers
 * the same to a key it does not know, a clock that is off and a fault of its own. What counts is the comparison: a
 * registered key was refused, by a signature that was right, and the key that was minted in its place logged in in the
 * same way. That twice, before any registered key has logged in, and no more are registered (zitadel/zitadel#7948).
 */
export class RegisteredKeys {
  #areTaken = true;
  #haveWorked = false;
  #evidence = 0;
  /** Machine users whose registered key was refused, until another one of theirs tells why. */
  readonly #refusedOf = new Set<string>();

  get areTaken(): boolean {
    return this.#areTaken;
  }

  /** The provider has answered a public key with a pair of its own. */
  notTaken(): void {
    this.#areTaken = false;
  }

  loggedIn(userId: string): void {
    this.#haveWorked = true;
    this.#refusedOf.delete(userId);
  }

  wasRefused(userId: string): void {
    this.#refusedOf.add(userId);
  }

  /** A minted key of this user has logged in, or was refused as well. */
  mintedKeyTried(userId: string, logsIn: boolean): void {
    if (!this.#refusedOf.delete(userId) || !logsIn) return;
    this.#evidence += 1;
    if (this.#evidence >= ENOUGH_EVIDENCE && !this.#haveWorked) this.#areTaken = false;
  }
}

import type { EnrollmentRecord } from './enrollment-record.ts';
import type { AccessTokenSource, IdentityProvider } from './ports.ts';

/**
 * Tells which devices wait for a sign-in: those that are in the middle of something at the identity provider while a
 * sign-in is awaited. A call that several devices share waits in one of them, and holds up all of them.
 */
export class SignInWaits {
  readonly #visits = new Map<EnrollmentRecord, number>();
  #isAwaited = false;

  /** From now on a sign-in is awaited, or not any more. */
  setAwaited(isAwaited: boolean): void {
    this.#isAwaited = isAwaited;
    for (const record of this.#visits.keys()) record.awaitSignIn(isAwaited);
  }

  /** The provider as one device uses it. */
  identityFor(record: EnrollmentRecord, identity: IdentityProvider): IdentityProvider {
    // Every member, also one that is added later: what is not a call is handed on as it is.
    return new Proxy(identity, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          const result: unknown = member.apply(target, args);
          return result instanceof Promise ? this.#during(record, result) : result;
        };
      },
    });
  }

  /** Tokens as one device asks for them. */
  tokensFor(record: EnrollmentRecord, tokens: AccessTokenSource): AccessTokenSource {
    return {
      accessToken: (...wishes) => this.#during(record, tokens.accessToken(...wishes)),
    };
  }

  async #during<T>(record: EnrollmentRecord, work: Promise<T>): Promise<T> {
    this.#visits.set(record, (this.#visits.get(record) ?? 0) + 1);
    if (this.#isAwaited) record.awaitSignIn(true);
    try {
      return await work;
    } finally {
      const left = (this.#visits.get(record) ?? 1) - 1;
      if (left > 0) this.#visits.set(record, left);
      else {
        this.#visits.delete(record);
        record.awaitSignIn(false);
      }
    }
  }
}

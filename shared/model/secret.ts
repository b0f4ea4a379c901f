/** The text every printed secret becomes. */
export const REDACTED = '[redacted]';

/**
 * A value that must not be seen: token, password, private key.
 *
 * Printing it in any usual way (`String()`, template, JSON, console, inspector) gives `[redacted]`.
 * Only adapters, at the edge where the value leaves the process, call {@link Secret.reveal}.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it only where it goes on the wire or into the keychain. */
  reveal(): string {
    return this.#value;
  }

  /** True when both hold the same value. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  get isEmpty(): boolean {
    return this.#value.length === 0;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  get [Symbol.toStringTag](): string {
    return REDACTED;
  }

  /** Node's console and util.inspect look for this well-known symbol. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

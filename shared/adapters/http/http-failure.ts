/** Why there is no reply that could be used. */
export type HttpFailureKind =
  | 'unreachable'
  | 'certificate'
  | 'time-limit'
  /** The provider's own addresses never redirect; a portal or proxy that does is not followed. */
  | 'redirect'
  | 'too-large';

/** A request that brought no usable reply. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly kind: HttpFailureKind;
  /** True when the request may have reached the server. */
  readonly maybeSent: boolean;

  constructor(kind: HttpFailureKind, message: string, options: { maybeSent: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.maybeSent = options.maybeSent;
  }
}

/** The failure itself, or the one inside the errors that libraries wrap around it. */
export function findHttpFailure(thrown: unknown): HttpFailure | undefined {
  let current: unknown = thrown;
  for (let depth = 0; depth < 8 && current instanceof Error; depth += 1) {
    if (current instanceof HttpFailure) return current;
    current = current.cause;
  }
  return undefined;
}

const CERTIFICATE =
  /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH/;

/** Sorts an error of `node:http` or `node:https`. */
export function failureOf(thrown: unknown, maybeSent: boolean): HttpFailure {
  const code = (thrown as { code?: unknown } | null)?.code;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const isCertificate = typeof code === 'string' && CERTIFICATE.test(code);
  const text = typeof code === 'string' && !message.includes(code) ? `${code}: ${message}` : message;
  return new HttpFailure(isCertificate ? 'certificate' : 'unreachable', text, { maybeSent, cause: thrown });
}

/** What is wrong with a server's certificate. */
export type CertificateFailure =
  /** Signed by nobody that is trusted. */
  | 'certificate'
  | 'certificate-self-signed'
  | 'certificate-expired'
  | 'certificate-not-yet'
  | 'certificate-name'
  /** Not made for a server: the certificate of an authority, of a person, of a mail gateway. */
  | 'certificate-purpose';

/** Why there is no reply that could be used. */
export type HttpFailureKind =
  | 'unreachable'
  | CertificateFailure
  /** The server speaks only versions of TLS that are broken. */
  | 'tls-too-old'
  /** The proxy on the way is not there, or does not let the request through. */
  | 'proxy'
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
  /** There was no connection to the proxy on the way: another way may be tried. */
  readonly isProxyGone: boolean;

  constructor(
    kind: HttpFailureKind,
    message: string,
    options: { maybeSent: boolean; isProxyGone?: boolean; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.maybeSent = options.maybeSent;
    this.isProxyGone = options.isProxyGone === true;
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

const certificateCodes: Readonly<Record<string, CertificateFailure>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate-self-signed',
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-not-yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate-name',
  HOSTNAME_MISMATCH: 'certificate-name',
  INVALID_PURPOSE: 'certificate-purpose',
};
/** Every other reason OpenSSL has to refuse a chain. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|INVALID_CA|PATH_LENGTH/;
/** In the code, or, under `EPROTO`, in OpenSSL's own words. */
const TLS_TOO_OLD = /unsupported[ _]protocol|protocol[ _]version|wrong[ _]ssl[ _]version/i;

function kindOf(code: string, message: string): HttpFailureKind {
  if (TLS_TOO_OLD.test(code === 'EPROTO' ? message : code)) return 'tls-too-old';
  return certificateCodes[code] ?? (CERTIFICATE.test(code) ? 'certificate' : 'unreachable');
}

/** Sorts an error of `node:http` or `node:https`. */
export function failureOf(thrown: unknown, maybeSent: boolean): HttpFailure {
  if (thrown instanceof HttpFailure) return thrown;
  const code = (thrown as { code?: unknown } | null)?.code;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const text = typeof code === 'string' && !message.includes(code) ? `${code}: ${message}` : message;
  const kind = typeof code === 'string' ? kindOf(code, message) : 'unreachable';
  return new HttpFailure(kind, text, { maybeSent, cause: thrown });
}

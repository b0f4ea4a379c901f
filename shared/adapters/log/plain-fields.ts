import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { REDACTED, Secret } from '../../model/secret.ts';

const MAX_DEPTH = 6;
const MAX_ITEMS = 100;
const MAX_TEXT = 8192;

/** Names under which no text is ever logged, should somebody forget to wrap it in a {@link Secret}. */
const SECRET_NAME =
  /^(?:authorization|cookie|password|passphrase|secret|client_?secret|(?:access|refresh|id|auth)_?token|token|private_?key|key_?details|key_?content|assertion|device_?code)$/i;

function plainError(error: Error, depth: number): Record<string, unknown> {
  const known =
    error instanceof EnrollmentError
      ? { code: error.code, stepId: error.stepId, subject: error.subject, evidence: error.evidence }
      : {};
  return {
    name: error.name,
    message: error.message.slice(0, MAX_TEXT),
    ...known,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: plainValue('cause', error.cause, depth + 1) }),
  };
}

function plainValue(name: string, value: unknown, depth: number): unknown {
  if (value instanceof Secret) return REDACTED;
  if (typeof value === 'string') {
    if (SECRET_NAME.test(name)) return REDACTED;
    return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}… (${value.length - MAX_TEXT} more)` : value;
  }
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Date || value instanceof URL) return String(value);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => plainValue(name, item, depth + 1));
  return plainFields(value as Readonly<Record<string, unknown>>, depth + 1);
}

/** Fields of a log line as data that can be printed: bounded in depth and length, secrets as `[redacted]`. */
export function plainFields(fields: Readonly<Record<string, unknown>>, depth = 0): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .slice(0, MAX_ITEMS)
      .map(([name, value]) => [name, plainValue(name, value, depth)]),
  );
}

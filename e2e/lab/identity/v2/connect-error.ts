import type { ApiCode, ApiError } from '../api-error.ts';
import type { Reply } from '../http-exchange.ts';

const nameOfCode: Readonly<Record<ApiCode, string>> = {
  3: 'invalid_argument',
  5: 'not_found',
  6: 'already_exists',
  7: 'permission_denied',
  8: 'resource_exhausted',
  9: 'failed_precondition',
  12: 'unimplemented',
  13: 'internal',
  14: 'unavailable',
  16: 'unauthenticated',
};

/** The error as Connect writes it: `{code: "<name>", message, details: [{type, value: <base64 protobuf>}]}`. */
export function connectError(error: ApiError): Reply {
  const { status } = error.toReply();
  const message = error.id === undefined ? error.message : `${error.message} (${error.id})`;
  const detail = { type: 'zitadel.v1.ErrorDetail', value: errorDetail(error.id ?? '', error.message) };
  return {
    status,
    body: { code: nameOfCode[error.code], message, ...(error.id === undefined ? {} : { details: [detail] }) },
  };
}

/** Protobuf of `ErrorDetail { string id = 1; string message = 2; }`, base64 without padding. */
function errorDetail(id: string, message: string): string {
  const bytes = Buffer.concat([field(1, id), field(2, message)]);
  return bytes.toString('base64').replace(/=+$/, '');
}

function field(number: number, text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

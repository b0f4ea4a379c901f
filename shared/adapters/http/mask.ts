import { REDACTED } from '../../model/secret.ts';

const MAX_EVIDENCE = 4096;
const SECRET_MEMBER =
  /("(?:keyDetails|keyContent|key|token|clientSecret|client_secret|access_token|refresh_token|id_token|device_code|assertion)"\s*:\s*)"(?:[^"\\]|\\.)*"?/g;
const JWT = /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g;
const PEM = /-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g;
const BEARER = /\b(Bearer\s+)[\w.~+/=-]+/gi;

/** Text of a reply as evidence: no token, key or password in it, at most 4 KiB. */
export function maskReply(text: string): string {
  const masked = text
    .replace(SECRET_MEMBER, `$1"${REDACTED}"`)
    .replace(PEM, REDACTED)
    .replace(JWT, REDACTED)
    .replace(BEARER, `$1${REDACTED}`);
  return masked.length > MAX_EVIDENCE ? `${masked.slice(0, MAX_EVIDENCE)}…` : masked;
}

import { REDACTED, type Secret } from '../../model/secret.ts';

const MAX_EVIDENCE = 4096;
/** Members and fields whose value is a secret whatever it looks like, by the end of their name. */
const SECRET_NAME =
  '[\\w-]*?(?:token|secret|password|passwd|passphrase|assertion|jwt|pat|private_?key|api_?key|device_?code|code_?verifier)';
/** In JSON a key is a secret by these names too; in other text they are words like any other. */
const KEY_NAME = 'key|keyDetails|keyContent';
const SECRET_MEMBER = new RegExp(`("(?:${SECRET_NAME}|${KEY_NAME})"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"?`, 'gi');
/** JSON within a JSON string, once or several times over: its quotes have as many backslashes on both sides. */
const ESCAPED_MEMBER = new RegExp(
  `((\\\\{1,7})"(?:${SECRET_NAME}|${KEY_NAME})\\2"\\s*:\\s*\\2")[\\s\\S]*?(?:(?<!\\\\)\\2"|$)`,
  'gi',
);
const FORM_FIELD = new RegExp(`(?<![\\w-])(${SECRET_NAME}=)[^&\\s"'<>]+`, 'gi');
/** Nothing is asked of what comes before: it may be the `n` of a line break in JSON. */
const JWT = /eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g;
const PEM = /-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g;
const SCHEME = /((?:Bearer|Basic|DPoP)\s+)[\w.~+/=-]+/gi;

/**
 * Text of a reply as evidence: no token, key or password in it, at most 4 KiB.
 * @param sent secrets that went out with the request: they are found by their value, however the reply quotes them
 */
export function maskReply(text: string, sent: readonly Secret[] = []): string {
  const masked = withoutValues(text, sent)
    .replace(SECRET_MEMBER, `$1"${REDACTED}"`)
    .replace(ESCAPED_MEMBER, `$1${REDACTED}$2"`)
    .replace(FORM_FIELD, `$1${REDACTED}`)
    .replace(PEM, REDACTED)
    .replace(JWT, REDACTED)
    .replace(SCHEME, `$1${REDACTED}`);
  return masked.length > MAX_EVIDENCE ? `${masked.slice(0, MAX_EVIDENCE)}…` : masked;
}

/** Every place is looked for in the text as it came, so that the end of one secret does not hide the beginning of another. */
function withoutValues(text: string, secrets: readonly Secret[]): string {
  const places: { readonly from: number; readonly to: number }[] = [];
  for (const secret of secrets) {
    if (secret.isEmpty) continue;
    const pattern = quotedAnyhow(secret.reveal());
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      places.push({ from: match.index, to: match.index + match[0].length });
      // The next one may begin within this one.
      pattern.lastIndex = match.index + 1;
    }
  }
  places.sort((one, other) => one.from - other.from);
  let rest = 0;
  let kept = '';
  for (const { from, to } of places) {
    if (from > rest || rest === 0) kept += `${text.slice(rest, from)}${REDACTED}`;
    rest = Math.max(rest, to);
  }
  return kept + text.slice(rest);
}

const inHtml: Readonly<Record<string, string>> = {
  ...{ '"': 'quot', '&': 'amp', "'": 'apos', '<': 'lt', '>': 'gt' },
};
const utf8 = new TextEncoder();
const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
const eitherCase = (text: string): string =>
  text.replace(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);

/** A value as it is, and as JSON, forms, addresses and HTML write it: each of its characters in one of their ways. */
function quotedAnyhow(value: string): RegExp {
  const characters = [...value].map((character) => {
    const code = character.codePointAt(0) ?? 0;
    const units = Array.from({ length: character.length }, (_, place) => hex(character.charCodeAt(place), 4));
    const ways = [
      `\\\\{0,7}${units.map((unit) => `\\u${unit}`).join('')}`,
      units.map((unit) => `\\\\{1,7}u${eitherCase(unit)}`).join(''),
      [...utf8.encode(character)].map((byte) => `%(?:25){0,3}${eitherCase(hex(byte, 2))}`).join(''),
      `&#(?:0*${code}|[xX]0*${eitherCase(code.toString(16))});`,
    ];
    if (inHtml[character] !== undefined) ways.push(`&${inHtml[character]};`);
    if (character === ' ') ways.push('\\+');
    return `(?:${ways.join('|')})`;
  });
  return new RegExp(characters.join(''), 'g');
}

/** A name that passed {@link parseDeviceId}. */
export type DeviceId = string & { readonly __brand: 'DeviceId' };

export type DeviceIdRule =
  | 'empty'
  | 'too-long'
  | 'label-empty'
  | 'label-too-long'
  | 'capital-letter'
  | 'character'
  | 'label-start'
  | 'label-end';

/** Which rule a text breaks, where (1-based, in characters), and a sentence for the operator. */
export interface DeviceIdProblem {
  readonly rule: DeviceIdRule;
  readonly position: number;
  readonly says: string;
}

export type DeviceIdResult =
  | { readonly ok: true; readonly id: DeviceId }
  | { readonly ok: false; readonly problem: DeviceIdProblem };

const MAX_ID_LENGTH = 253;
const MAX_LABEL_LENGTH = 63;

/** Invisible and control characters are named by code point, so that the message itself stays readable. */
function nameOf(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0;
  if (character === ' ') return 'a space';
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character)
    ? `"${character}"`
    : `the character U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
}

function problem(rule: DeviceIdRule, position: number, says: string): DeviceIdResult {
  return { ok: false, problem: { rule, position, says } };
}

function checkCharacter(character: string, position: number): DeviceIdResult | undefined {
  if (/[a-z0-9-]/.test(character)) return undefined;
  if (/[A-Z]/.test(character)) {
    return problem(
      'capital-letter',
      position,
      `Capital ${character} at position ${position}. Use a-z, 0-9 and hyphen.`,
    );
  }
  return problem(
    'character',
    position,
    `${nameOf(character)} at position ${position} is not allowed. Use a-z, 0-9, hyphen, and dots between parts.`,
  );
}

/**
 * Checks a device id: an RFC 1123 subdomain, 1 to 253 characters, dot-separated labels of 1 to 63
 * characters out of `a-z 0-9 -`, each starting and ending with a letter or digit.
 *
 * Nothing is trimmed, lower-cased or repaired: the id names a user, a subject and a file for years.
 */
export function parseDeviceId(text: string): DeviceIdResult {
  if (text.length === 0) return problem('empty', 1, 'A device id is needed.');
  if (text.length > MAX_ID_LENGTH) {
    return problem(
      'too-long',
      MAX_ID_LENGTH + 1,
      `${text.length} characters; a device id has at most ${MAX_ID_LENGTH}.`,
    );
  }
  let position = 1;
  for (const label of text.split('.')) {
    const characters = [...label];
    if (characters.length === 0) {
      return problem('label-empty', position, `Nothing between two dots at position ${position}.`);
    }
    for (const [offset, character] of characters.entries()) {
      const found = checkCharacter(character, position + offset);
      if (found) return found;
    }
    if (characters.length > MAX_LABEL_LENGTH) {
      const at = position + MAX_LABEL_LENGTH;
      return problem(
        'label-too-long',
        at,
        `The part before a dot has at most ${MAX_LABEL_LENGTH} characters.`,
      );
    }
    if (characters[0] === '-') {
      return problem(
        'label-start',
        position,
        `Hyphen at position ${position}. Each part starts with a letter or digit.`,
      );
    }
    if (characters.at(-1) === '-') {
      const at = position + characters.length - 1;
      return problem('label-end', at, `Hyphen at position ${at}. Each part ends with a letter or digit.`);
    }
    position += characters.length + 1;
  }
  return { ok: true, id: text as DeviceId };
}

/** Name of the machine user that belongs to a device. */
export function machineUserName(id: DeviceId): string {
  return `device-${id}`;
}

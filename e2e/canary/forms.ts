/** One secret in one of the shapes it may have been written down in. */
export interface Needle {
  readonly name: string;
  readonly form: string;
  readonly bytes: Buffer;
}

/** Long enough that chance does not write it, short enough that a line break somewhere does not hide it. */
const PIECE_LENGTH = 24;
/** Shorter ones are everywhere. */
const SHORTEST = 12;

/**
 * Everything to look for. A secret that is longer than a word is looked for by pieces of it, so that a part of it, or one
 * that was broken into lines, is found too. Pieces come from the end and the middle: beginnings say what a thing is (the header of a
 * token, the version of a key) and are no secret.
 * @throws for a secret that is shorter than a word: an empty one would be found everywhere
 */
export function needlesOf(secrets: Readonly<Record<string, string>>): readonly Needle[] {
  const short = Object.entries(secrets).find(([, secret]) => secret.length < SHORTEST);
  if (short !== undefined) throw new Error(`${short[0]} is too short to be looked for.`);
  return Object.entries(secrets).flatMap(([name, secret]) =>
    piecesOf(secret).flatMap((piece) => formsOf(piece).map(([form, bytes]) => ({ name, form, bytes }))),
  );
}

function piecesOf(secret: string): readonly string[] {
  if (secret.length <= PIECE_LENGTH * 2) return [secret];
  const lines = secret
    .split(/\r?\n/)
    .filter((line) => line.length >= PIECE_LENGTH && !line.startsWith('-----'));
  const body = lines.length > 1 ? lines.slice(1) : [secret.slice(secret.length / 2)];
  const chosen = [body[Math.floor(body.length / 2)], body.at(-1)];
  return [...new Set(chosen.flatMap((line) => (line === undefined ? [] : [line.slice(-PIECE_LENGTH)])))];
}

function formsOf(text: string): readonly (readonly [string, Buffer])[] {
  const bytes = Buffer.from(text, 'utf8');
  const hex = bytes.toString('hex');
  const texts: (readonly [string, string])[] = [
    ['raw', text],
    ['hex', hex],
    ['HEX', hex.toUpperCase()],
    ['url', encodeURIComponent(text)],
    ['json', JSON.stringify(text).slice(1, -1)],
    // In the middle of something longer the same bytes have three looks in base64; the ends depend on what is beside.
    ...[0, 1, 2].flatMap((offset) => {
      const inside = Buffer.concat([Buffer.alloc(offset), bytes])
        .toString('base64')
        .replace(/=+$/, '');
      const certain = inside.slice(offset === 0 ? 0 : 4, inside.length - 2);
      const urlSafe = certain.replaceAll('+', '-').replaceAll('/', '_');
      return [[`base64+${offset}`, certain] as const, [`base64url+${offset}`, urlSafe] as const];
    }),
  ];
  // What looks the same in two forms is the first of them.
  const different = new Map([...texts].reverse().map(([form, written]) => [written, form]));
  const little = Buffer.from(text, 'utf16le');
  return [
    ...[...different].map(([written, form]) => [form, Buffer.from(written, 'utf8')] as const),
    ['utf-16le', little],
    ['utf-16be', Buffer.from(little).swap16()],
  ];
}

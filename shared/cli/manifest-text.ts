/** Text of a manifest, or where and why it cannot be told. */
export type ManifestText =
  | { readonly ok: true; readonly text: string }
  /** `line` is 1-based; 0 where it cannot be told. */
  | { readonly ok: false; readonly line: number; readonly says: string };

const NEWLINE = 0x0a;
const SAVE_AS = 'save the file as UTF-8 (Excel: "CSV UTF-8") and start again';

/** Texts in UTF-16 begin with a mark, as Excel writes "Unicode text". */
const marks = [
  { encoding: 'utf-16le', bytes: [0xff, 0xfe] },
  { encoding: 'utf-16be', bytes: [0xfe, 0xff] },
] as const;

/**
 * Text of a manifest's bytes: UTF-8, or UTF-16 of either byte order. Nothing is guessed: in another encoding a letter of a
 * label would become another one, on every device.
 */
export function decodeManifest(bytes: Uint8Array): ManifestText {
  const marked = marks.find((mark) => mark.bytes.every((byte, index) => bytes[index] === byte));
  if (marked !== undefined) {
    const text = decodedAs(marked.encoding, bytes);
    return text === undefined
      ? { ok: false, line: 0, says: `it begins as UTF-16 and is none: ${SAVE_AS}` }
      : { ok: true, text };
  }
  const text = decodedAs('utf-8', bytes);
  if (text === undefined) {
    const line = lineThatIsNoUtf8(bytes);
    return { ok: false, line, says: `line ${line} is not UTF-8: ${SAVE_AS}` };
  }
  if (text.includes('\0')) return { ok: false, line: 0, says: `it is not UTF-8 text: ${SAVE_AS}` };
  return { ok: true, text };
}

function decodedAs(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined; // It has bytes that this encoding has not: the caller knows what that means.
  }
}

/** No character of UTF-8 but the line break itself has the byte of one, so each line can be judged alone. */
function lineThatIsNoUtf8(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (decodedAs('utf-8', bytes.subarray(start, end)) === undefined) return line;
    start = end + 1;
  }
  return line;
}

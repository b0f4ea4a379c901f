/** Longest piece of outside text that is kept; the rest is cut and the cut is said. */
const MAX_LENGTH = 16_384;

const UNSAFE =
  // C0 and C1 controls, soft hyphen, zero-width, bidirectional controls, line separators, byte-order mark,
  // tag characters and lone surrogates: all can hide, reorder or execute text.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose.
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu;

/**
 * Makes text from outside (device, provider, broker) safe to show in a window, terminal or log:
 * control, escape, bidirectional and invisible characters become visible escapes such as `\x1b`.
 * Tabs become spaces; newlines stay only when asked for.
 */
export function printable(text: string, options: { readonly keepNewlines?: boolean } = {}): string {
  const cut =
    text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}… (${text.length - MAX_LENGTH} more)` : text;
  return cut.replace(UNSAFE, (character) => {
    if (character === '\n' && options.keepNewlines) return character;
    if (character === '\t') return '  ';
    const codePoint = character.codePointAt(0) ?? 0;
    return codePoint <= 0xff
      ? `\\x${codePoint.toString(16).padStart(2, '0')}`
      : `\\u{${codePoint.toString(16)}}`;
  });
}

/** How a long text is spread over several entries of a keychain that limits their size. */

const HEADER = /^parts:([1-9]\d?)$/;

/** Entries for a text: one, or a header and the parts. */
export function splitText(text: string, maxLength: number): readonly string[] {
  if (text.length <= maxLength) return [text];
  const count = Math.ceil(text.length / maxLength);
  const parts = Array.from({ length: count }, (_, index) =>
    text.slice(index * maxLength, (index + 1) * maxLength),
  );
  return [`parts:${count}`, ...parts];
}

/** Number of parts that follow an entry; 0 when it is the whole text. */
export function partsAfter(entry: string): number {
  return Number(HEADER.exec(entry)?.[1] ?? 0);
}

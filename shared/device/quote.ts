/**
 * One POSIX shell word that stands for exactly this text (XCU 2.2.2, single quotes).
 * @throws {RangeError} for a NUL character, which no shell word can hold.
 */
export function shellQuote(text: string): string {
  if (text.includes('\0')) throw new RangeError('A shell word cannot hold a NUL character.');
  return `'${text.replaceAll("'", "'\\''")}'`;
}

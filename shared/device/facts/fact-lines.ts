import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { printable } from '../../model/printable.ts';

/** The facts of one look, by name. */
export type FactLines = ReadonlyMap<string, string>;

/** The look cuts its values below this; a longer one was not printed by it. Characters. */
const MAX_VALUE_LENGTH = 1500;
/** More names than a look has; a device that invents more is not read on. */
const MAX_FACTS = 100;

/** The error of a reply that is not what a look prints. A parser never guesses. */
export function unreadable(problem: string): EnrollmentError {
  return new EnrollmentError('DEVICE_FACTS_UNREADABLE', {
    details: { problem },
    phase: 'check',
    stepId: 'connect',
  });
}

/**
 * The facts in what a look printed. Lines without its nonce are somebody else's and ignored; values are printable and
 * bounded, whatever the device sends.
 * @throws {EnrollmentError} DEVICE_FACTS_UNREADABLE for more facts than there are
 */
export function readFactLines(stdout: string, nonce: string): FactLines {
  const found = new Map<string, string>();
  const mark = `@${nonce} `;
  for (const line of stdout.split('\n')) {
    if (!line.startsWith(mark)) continue;
    const text = line.slice(mark.length, mark.length + MAX_VALUE_LENGTH + 100).replace(/\r$/, '');
    const match = /^([a-z-]{1,40})(?: (.*))?$/s.exec(text);
    const name = match?.[1];
    if (name === undefined) continue;
    found.set(name, printable((match?.[2] ?? '').slice(0, MAX_VALUE_LENGTH)).trim());
    if (found.size > MAX_FACTS) throw unreadable('it has more facts than a look');
  }
  return found;
}

/** A fact that has to be a whole number. */
export function requireNumber(found: FactLines, name: string): number {
  const text = found.get(name) ?? '';
  if (!/^\d{1,15}$/.test(text)) throw unreadable(`${name} is "${text.slice(0, 100)}", not a number`);
  return Number(text);
}

/** A fact, or undefined where the look found nothing. */
export function optional(found: FactLines, name: string): string | undefined {
  const text = found.get(name);
  return text === undefined || text === '' ? undefined : text;
}

/** A fact that is a SHA-256, or undefined. */
export function optionalHash(found: FactLines, name: string): string | undefined {
  const text = optional(found, name);
  if (text !== undefined && !/^[0-9a-f]{64}$/.test(text)) throw unreadable(`${name} is not a SHA-256`);
  return text;
}

// The VM's console: kept in a file by QEMU, followed for a few milestones, quoted when something went wrong.
import fs from 'node:fs';
import { printable } from '#shared/model/printable.ts';

/** What the console shows on the way, and how it is told. */
const milestones: readonly (readonly [RegExp, string])[] = [
  [/Linux version \d/, 'Linux starts'],
  [/Welcome to/, 'Debian starts'],
  [/Cloud-init v\./, 'cloud-init sets it up'],
];

/** Colours and cursor movements of a terminal. */
const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');

/** The milestones that a console has passed, in order. */
export function milestonesIn(text: string): readonly string[] {
  return milestones.filter(([pattern]) => pattern.test(text)).map(([, told]) => told);
}

/** The last lines of a console that hold anything, fit to be shown. */
export function lastLines(text: string, count: number): readonly string[] {
  const withoutColours = text.replaceAll(colours, '');
  const lines = withoutColours.split(/\r?\n|\r/).map((line) => printable(line.trim()));
  return lines.filter((line) => line !== '').slice(-count);
}

/**
 * Tells each milestone once, as the console reaches it.
 * @returns ends the following
 */
export function followConsole(file: string, tell: (milestone: string) => void): () => void {
  let told = 0;
  const timer = setInterval(() => {
    const passed = milestonesIn(readConsole(file));
    for (const milestone of passed.slice(told)) tell(milestone);
    told = Math.max(told, passed.length);
  }, 500);
  return () => clearInterval(timer);
}

/** A console's text so far; its beginning is left out when it is long. */
export function readConsole(file: string): string {
  if (!fs.existsSync(file)) return '';
  return fs.readFileSync(file, 'latin1').slice(-1_000_000);
}

import fs from 'node:fs';
import path from 'node:path';
import { apartFromRegisters } from './core-file.ts';
import type { Needle } from './forms.ts';

/** Where a secret was found that has no business there. */
export interface Finding {
  readonly place: string;
  readonly name: string;
  readonly form: string;
}

const CHUNK_BYTES = 4 * 1024 * 1024;

/** Looks for secrets in files and texts, and counts what it looked at. */
export class CanaryScan {
  readonly findings: Finding[] = [];
  /** What stood in registers of core files; no {@link findings}, for nothing can keep it from there. */
  readonly inRegisters: Finding[] = [];
  readonly #needles: readonly Needle[];
  readonly #overlapBytes: number;
  readonly #counts = new Map<string, { files: number; texts: number; bytes: number }>();

  constructor(needles: readonly Needle[]) {
    if (needles.length === 0) throw new Error('There is nothing to look for.');
    this.#needles = needles;
    this.#overlapBytes = Math.max(...needles.map(({ bytes }) => bytes.length));
  }

  /** A text that went somewhere: a message, an output, a page. */
  text(place: string, text: string | Buffer): void {
    const bytes = Buffer.from(text);
    this.#look(place, '', bytes);
    this.#count(place, { texts: 1, bytes: bytes.length });
  }

  texts(place: string, texts: readonly string[]): void {
    this.#count(place, {});
    for (const text of texts) this.text(place, text);
  }

  /** All regular files below a folder, whatever they are called, but for those of `but`. A folder that is not there is an empty one. */
  folder(place: string, folder: string, but: readonly string[] = []): readonly string[] {
    this.#count(place, {});
    if (!fs.existsSync(folder)) return [];
    const files = fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => !but.some((other) => file === other || file.startsWith(`${other}${path.sep}`)));
    for (const file of files) this.file(place, file);
    return files;
  }

  /** All core files of a folder: everything in them counts but the registers. */
  cores(place: string, folder: string): readonly string[] {
    this.#count(place, {});
    const files = fs.readdirSync(folder).map((name) => path.join(folder, name));
    for (const file of files) {
      const { rest, registers } = apartFromRegisters(fs.readFileSync(file));
      this.#look(place, file, Buffer.from(file));
      this.#look(place, file, rest);
      for (const { name, form, bytes } of this.#needles)
        if (registers.includes(bytes)) this.inRegisters.push({ place: `${place}: ${file}`, name, form });
      this.#count(place, { files: 1, bytes: rest.length });
    }
    return files;
  }

  /** One file and its name; of any size. */
  file(place: string, file: string): void {
    this.#look(place, file, Buffer.from(file));
    const descriptor = fs.openSync(file, 'r');
    let bytes = 0;
    try {
      const chunk = Buffer.alloc(CHUNK_BYTES + this.#overlapBytes);
      let kept = 0;
      for (;;) {
        const read = fs.readSync(descriptor, chunk, kept, CHUNK_BYTES, null);
        if (read === 0) break;
        bytes += read;
        const filled = kept + read;
        this.#look(place, file, chunk.subarray(0, filled));
        kept = Math.min(this.#overlapBytes, filled);
        chunk.copyWithin(0, filled - kept, filled);
      }
    } finally {
      fs.closeSync(descriptor);
    }
    this.#count(place, { files: 1, bytes });
  }

  /** One line for each place, and the sum. */
  summary(): string {
    const sum = { files: 0, texts: 0, bytes: 0 };
    const lines = [...this.#counts].map(([place, count]) => {
      sum.files += count.files;
      sum.texts += count.texts;
      sum.bytes += count.bytes;
      return `  ${place}: ${shown(count)}`;
    });
    const looked = `${this.#counts.size} places, ${shown(sum)}, for ${this.#needles.length} forms`;
    return [
      `canary scan: ${looked} of secrets, ${this.findings.length} found, ${this.inRegisters.length} pieces in registers of core files`,
      ...lines,
    ].join('\n');
  }

  #look(place: string, file: string, bytes: Buffer): void {
    for (const { name, form, bytes: needle } of this.#needles)
      if (bytes.includes(needle) && !this.#isKnown(place, file, name, form))
        this.findings.push({ place: file === '' ? place : `${place}: ${file}`, name, form });
  }

  #isKnown(place: string, file: string, name: string, form: string): boolean {
    const where = file === '' ? place : `${place}: ${file}`;
    return this.findings.some((one) => one.place === where && one.name === name && one.form === form);
  }

  #count(
    place: string,
    more: { readonly files?: number; readonly texts?: number; readonly bytes?: number },
  ): void {
    const count = this.#counts.get(place) ?? { files: 0, texts: 0, bytes: 0 };
    count.files += more.files ?? 0;
    count.texts += more.texts ?? 0;
    count.bytes += more.bytes ?? 0;
    this.#counts.set(place, count);
  }
}

function shown({
  files,
  texts,
  bytes,
}: {
  readonly files: number;
  readonly texts: number;
  readonly bytes: number;
}): string {
  return `${files} files, ${texts} texts, ${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

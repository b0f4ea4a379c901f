import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { type HostKey, hostKeyOf, makeHostKey } from './host-key.ts';

const bookSchema = z.object({
  /** Private host keys by device name. */
  hostKeys: z.record(z.string(), z.string()),
  /** Every port a device of this lab ever had, and the device. */
  ports: z.record(z.string().regex(/^\d+$/), z.string()),
  /** The port each device had last. */
  last: z.record(z.string(), z.number().int().positive()),
});

/**
 * Keeps each rehearsal device's host key and port across starts of one lab. A station remembers the host key of every
 * address it met, so a port never goes from one device to another, even when its device is gone.
 */
export class AddressBook {
  readonly #file: string | undefined;
  readonly #hostKeys: Map<string, string>;
  readonly #ports: Map<number, string>;
  readonly #last: Map<string, number>;

  private constructor(file: string | undefined, text: string | undefined) {
    this.#file = file;
    const book = bookSchema.parse(JSON.parse(text ?? '{"hostKeys":{},"ports":{},"last":{}}'));
    this.#hostKeys = new Map(Object.entries(book.hostKeys));
    this.#ports = new Map(Object.entries(book.ports).map(([port, name]) => [Number(port), name]));
    this.#last = new Map(Object.entries(book.last));
  }

  /** Opens the book in this file, an empty one where there is none; without a file it is forgotten at the end. */
  static async open(file: string | undefined): Promise<AddressBook> {
    if (file === undefined) return new AddressBook(undefined, undefined);
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    try {
      return new AddressBook(file, text);
    } catch (cause) {
      const sentence = `${file} is damaged. Remove the folder of the station that uses this lab, and start again.`;
      throw new Error(sentence, { cause });
    }
  }

  /** The device's host key; a new one for a device that is new. */
  hostKey(name: string): HostKey {
    const known = this.#hostKeys.get(name);
    if (known !== undefined) return hostKeyOf(known);
    const made = makeHostKey();
    this.#hostKeys.set(name, made.privateKey);
    return made;
  }

  /** The port the device had last. */
  lastPort(name: string): number | undefined {
    return this.#last.get(name);
  }

  /** Gives a port to a device; false when it was another device's once. */
  take(name: string, port: number): boolean {
    const owner = this.#ports.get(port);
    if (owner !== undefined && owner !== name) return false;
    this.#ports.set(port, name);
    this.#last.set(name, port);
    return true;
  }

  /** Writes everything down, for this account only. */
  async save(): Promise<void> {
    if (this.#file === undefined) return;
    const book: z.infer<typeof bookSchema> = {
      hostKeys: Object.fromEntries(this.#hostKeys),
      ports: Object.fromEntries(this.#ports),
      last: Object.fromEntries(this.#last),
    };
    const unfinished = `${this.#file}.new`;
    await writeFile(unfinished, `${JSON.stringify(book, undefined, 1)}\n`, { mode: 0o600 });
    await rename(unfinished, this.#file);
  }
}

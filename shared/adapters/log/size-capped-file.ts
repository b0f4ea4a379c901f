import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

export interface SizeCappedFileOptions {
  readonly path: string;
  /** The file is set aside once it would grow beyond this. */
  readonly maxBytes?: number;
  /** How many older files stay, as `<path>.1` (newest) and so on. */
  readonly keep?: number;
}

const DEFAULT_MAX_BYTES = 5 * 1024 * 1024;
const DEFAULT_KEEP = 3;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** A text file for the owner's eyes that never grows beyond its limit. */
export interface SizeCappedFile {
  /** Appends; the text is with the operating system when this returns, so a crash right after loses nothing. */
  write(text: string): void;
  close(): void;
}

/** Opens the file for appending (made with mode 0600 if missing, its folder with 0700). */
export function openSizeCappedFile(options: SizeCappedFileOptions): SizeCappedFile {
  const { path, maxBytes = DEFAULT_MAX_BYTES, keep = DEFAULT_KEEP } = options;
  mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_FOLDER });
  let descriptor: number | undefined;
  let size = 0;

  const openFile = () => {
    descriptor = openSync(path, 'a', PRIVATE_FILE);
    // A file of an older version may have been made with wider permissions.
    chmodSync(path, PRIVATE_FILE);
    size = fstatSync(descriptor).size;
  };
  const close = () => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  const setAside = () => {
    close();
    for (let number = keep - 1; number >= 1; number -= 1) {
      if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
    }
    renameSync(path, `${path}.1`);
    openFile();
  };

  openFile();
  return {
    write: (text) => {
      if (descriptor === undefined) return;
      const bytes = Buffer.from(text, 'utf8');
      if (size > 0 && size + bytes.length > maxBytes) setAside();
      let written = 0;
      while (written < bytes.length) written += writeSync(descriptor, bytes, written);
      size += bytes.length;
    },
    close,
  };
}

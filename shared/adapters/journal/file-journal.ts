import {
  chmodSync,
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Journal } from '../../engine/ports.ts';
import { describeThrown, EnrollmentError } from '../../errors/enrollment-error.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import {
  type Entry,
  entryOfRun,
  entrySchema,
  headerSchema,
  JOURNAL_VERSION,
  JournalContent,
} from './journal-entries.ts';
import { guardFor } from './journal-failure.ts';

const FILE_NAME = 'journal.jsonl';
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const NEWLINE = 0x0a;
/** A file is written anew at the opening when it has this many lines, and at least half of them tell nothing any more. */
const COMPACT_FROM_LINES = 2000;

const headerLine = `${JSON.stringify({ journal: 'muster', version: JOURNAL_VERSION })}\n`;

interface ReadFile {
  readonly content: JournalContent;
  readonly lines: number;
  /** Bytes of complete, readable lines. What follows was never reported as written. */
  readonly goodBytes: number;
}

function isMissing(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'ENOENT';
}

function isClosedToUs(thrown: unknown): boolean {
  return ['EACCES', 'EPERM', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '');
}

/**
 * Reads what complete lines say. A last line that is torn was being written when the power went: its writer was never
 * told that it is on the disk, so it never happened. Any other line that cannot be read is damage.
 */
function readJournal(path: string): ReadFile {
  const content = new JournalContent();
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (thrown) {
    if (isMissing(thrown)) return { content, lines: 0, goodBytes: 0 };
    throw thrown;
  }
  let start = 0;
  let lines = 0;
  while (start < bytes.length) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) break;
    const isLast = end === bytes.length - 1;
    const text = bytes.toString('utf8', start, end);
    if (!takeLine(content, text, lines, isLast)) break;
    start = end + 1;
    lines += 1;
  }
  return { content, lines, goodBytes: start };
}

function takeLine(content: JournalContent, text: string, index: number, isLast: boolean): boolean {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    if (isLast && index > 0) return false;
    throw new Error(`Line ${index + 1} is damaged.`, { cause });
  }
  if (index === 0) {
    const { version } = headerSchema.parse(json);
    if (version > JOURNAL_VERSION)
      throw new Error(`The journal has version ${version}; this program knows ${JOURNAL_VERSION}.`);
    return true;
  }
  content.apply(entrySchema.parse(json));
  return true;
}

function lineOf(entry: Entry): Buffer {
  return Buffer.from(`${JSON.stringify(entry)}\n`);
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** The name of a file is on the disk only when its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes a whole journal beside the old one and puts it in its place: there is always one of the two. */
function rewrite(folder: string, content: JournalContent): void {
  const unfinished = join(folder, `${FILE_NAME}.new`);
  rmSync(unfinished, { force: true });
  const fd = openSync(unfinished, 'wx', PRIVATE_FILE);
  try {
    writeAll(fd, Buffer.concat([Buffer.from(headerLine), ...content.entries().map(lineOf)]), 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, join(folder, FILE_NAME));
  syncFolder(folder);
}

/** A file that is only ever appended to. A write that failed half-way is taken back, or is the last one. */
class AppendFile {
  readonly #fd: number;
  #length: number;
  #failed: unknown;

  constructor(path: string) {
    this.#fd = openSync(path, 'r+');
    this.#length = fstatSync(this.#fd).size;
  }

  truncate(length: number): void {
    if (length === this.#length) return;
    ftruncateSync(this.#fd, length);
    fsyncSync(this.#fd);
    this.#length = length;
  }

  /** On the disk when it returns. */
  append(bytes: Buffer): void {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      writeAll(this.#fd, bytes, this.#length);
      fdatasyncSync(this.#fd);
      this.#length += bytes.length;
    } catch (thrown) {
      this.#takeBack(thrown);
      throw thrown;
    }
  }

  #takeBack(thrown: unknown): void {
    try {
      ftruncateSync(this.#fd, this.#length);
    } catch {
      // Half a line stays: whatever came after it could not be told from damage.
      this.#failed = thrown;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function openForWriting(folder: string): { readonly content: JournalContent; readonly file: AppendFile } {
  const path = join(folder, FILE_NAME);
  const { content, lines, goodBytes } = readJournal(path);
  if (lines === 0 || (lines >= COMPACT_FROM_LINES && content.entries().length < lines / 2)) {
    rewrite(folder, content);
    return { content, file: new AppendFile(path) };
  }
  chmodSync(path, PRIVATE_FILE);
  const file = new AppendFile(path);
  file.truncate(goodBytes);
  return { content, file };
}

function journalOf(
  content: JournalContent,
  guarded: <T>(work: () => T) => T,
  write: (entry: Entry) => void,
  close: () => void,
): Journal {
  const record = (entry: Entry): void =>
    guarded(() => {
      content.check(entry);
      write(entry);
      content.apply(entry);
    });
  return {
    openKeyIntent: (intent) => record({ intent: { ...intent, keyIdsBefore: [...intent.keyIdsBefore] } }),
    settleKeyIntent: (intentId, state, keyId) => record({ settle: { intentId, state, keyId } }),
    unsettledKeyIntents: (realm) => content.unsettledIntents(realm),
    recordRun: (run) => record(entryOfRun(run)),
    latestRuns: () => content.latestRuns(),
    giveId: ({ issuer, projectId }, deviceId, board) =>
      record({ board: { issuer, projectId, deviceId, ...board } }),
    boardOf: (realm, deviceId) => content.boardOf(realm, deviceId),
    idsOfSerial: (realm, serial) => content.idsOfSerial(realm, serial),
    releaseId: ({ issuer, projectId }, deviceId) => {
      const released = { issuer, projectId, deviceId };
      if (content.boardOf(released, deviceId) !== undefined) record({ released });
    },
    hostKey: (place) => content.hostKey(place),
    pinHostKey: (place, { fingerprint, keyType }, at) =>
      record({
        hostKey: { target: place, fingerprint, at, ...(keyType === undefined ? {} : { keyType }) },
      }),
    close: () => guarded(close),
  };
}

/**
 * Opens the journal of a folder, made if missing: JSON lines that are only appended to, in pure JavaScript. Every write
 * is on the disk when its call returns. The folder is held against other processes until the journal is closed.
 * @throws STATION_FOLDER_IN_USE, STATION_JOURNAL_FAILED, also when the file is damaged or of a newer version
 */
export function openFileJournal(folder: string): Journal {
  const path = join(folder, FILE_NAME);
  const guarded = guardFor(path);
  const lock: FolderLock = guarded(() => {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
    return lockFolder(folder);
  });
  try {
    const { content, file } = guarded(() => openForWriting(folder));
    let isClosed = false;
    return journalOf(
      content,
      guarded,
      (entry) => file.append(lineOf(entry)),
      () => {
        if (isClosed) return;
        isClosed = true;
        file.close();
        lock.release();
      },
    );
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

/**
 * What the journal of a folder says now, for commands that only look. It holds nothing and refuses every write.
 * @throws STATION_JOURNAL_FAILED when the file is damaged, STATION_FOLDER_UNUSABLE when this account may not read it
 */
export function readFileJournal(folder: string): Journal {
  const path = join(folder, FILE_NAME);
  const guarded = guardFor(path);
  const { content } = guarded(() => {
    try {
      return readJournal(path);
    } catch (thrown) {
      if (!isClosedToUs(thrown)) throw thrown;
      throw new EnrollmentError('STATION_FOLDER_UNUSABLE', {
        details: { path: folder },
        ...{ subject: folder, evidence: describeThrown(thrown), cause: thrown },
      });
    }
  });
  const refuse = (): never => {
    throw new Error('This journal was opened to be read only.');
  };
  return journalOf(content, guarded, refuse, () => undefined);
}

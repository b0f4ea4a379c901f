import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { TokenCache } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { tokensFromText, tokensToText } from './token-text.ts';
import { createTurnFile, personsTurn } from './turn-file.ts';

/** Bits that let anybody but the owner in. */
const OTHERS = 0o077;
const MAX_BYTES = 256 * 1024;

const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown } | null)?.code;

function unusable(problem: string, cause?: unknown): EnrollmentError {
  return new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE', {
    details: { problem },
    evidence: problem,
    ...(cause === undefined ? {} : { cause }),
  });
}

interface FileFacts {
  isFile(): boolean;
  isSymbolicLink(): boolean;
  readonly mode: number;
  readonly uid: number;
  readonly size: number;
}

/** What forbids this file, or undefined. Windows has no such modes: there the folder of the account protects it. */
function problemOf(file: string, facts: FileFacts): string | undefined {
  if (facts.isSymbolicLink()) return `${file} is a link.`;
  if (!facts.isFile()) return `${file} is not a file.`;
  if (facts.size > MAX_BYTES) return `${file} is too large for a sign-in.`;
  if (process.platform === 'win32') return undefined;
  if (facts.uid !== process.getuid?.()) return `${file} belongs to another account.`;
  if ((facts.mode & OTHERS) === 0) return undefined;
  const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
  return `${file} is open to other accounts (mode ${mode}, it must be 0600).`;
}

async function translated<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof EnrollmentError) throw thrown;
    throw unusable(`${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown);
  }
}

/** Refuses what is there instead of the file, before it is replaced or removed. False when nothing is there. */
async function requireOwn(file: string): Promise<boolean> {
  let facts: FileFacts;
  try {
    facts = await lstat(file);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
  const problem = problemOf(file, facts);
  if (problem !== undefined) throw unusable(problem);
  return true;
}

async function readOwn(file: string): Promise<string | undefined> {
  // O_NOFOLLOW is not there on Windows; the facts of the opened file are what counts, not those of its name.
  const noFollow = constants.O_NOFOLLOW ?? 0;
  if (!(await requireOwn(file))) return undefined;
  const handle = await open(file, constants.O_RDONLY | noFollow);
  try {
    const problem = problemOf(file, await handle.stat());
    if (problem !== undefined) throw unusable(problem);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** The whole text or the old one, never a part: written beside it, made durable, then put in its place. */
async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.${process.pid}.${Date.now()}.new`;
  try {
    const handle = await open(next, 'wx', 0o600);
    try {
      await handle.writeFile(text, 'utf8');
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, file);
  } catch (thrown) {
    await rm(next, { force: true });
    throw thrown;
  }
}

export interface SignInOwner {
  readonly issuer: string;
  readonly clientId: string;
}

const content = z.object({ owner: z.string(), signIn: z.string() });

/** What every file begins with that was written here for this issuer and client id. */
const openingOf = (owner: string): string => `{"owner":${JSON.stringify(owner)},"signIn":"`;

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The text of a sign-in out of a file; undefined for an empty one, and for one of this owner that was cut off. Anything else is
 * somebody's: a key, notes, the file of another program.
 * @throws when it is another one's sign-in, or none
 */
function textFor(file: string, owner: string, text: string): string | undefined {
  if (text === '') return undefined;
  const found = content.safeParse(parsedOrUndefined(text));
  if (!found.success) {
    if (text.startsWith(openingOf(owner))) return undefined;
    throw new EnrollmentError('STATION_TOKEN_FILE_FOREIGN', {
      details: { path: file },
      subject: file,
      // Not a word of what is in it: that may be a key.
      evidence: `${file} is not empty, and not a sign-in.`,
    });
  }
  if (found.data.owner !== owner) throw unusable(`${file} holds the sign-in of another issuer or client id.`);
  return found.data.signIn;
}

/**
 * Remembers a sign-in in a file that only this account may read. For computers without a keychain, and only where the
 * operator asks for it: whoever reads the file is signed in.
 */
export function createFileTokenCache(file: string, owner: SignInOwner): TokenCache {
  const turns = createTurnFile({ path: `${file}.turn` });
  const signInTurns = createTurnFile({ path: `${file}.signing-in`, ...personsTurn });
  const name = `${owner.issuer}|${owner.clientId}`;
  /** The text that is there for this issuer and client id. Nothing else is read, replaced or removed. */
  const own = async (): Promise<string | undefined> => {
    const text = await readOwn(file);
    return text === undefined ? undefined : textFor(file, name, text);
  };
  return {
    place: `File ${file}`,
    deletedByHand: `Delete the file ${file}.`,
    notShared: undefined,
    load: (signal) =>
      translated(file, async () => {
        signal.throwIfAborted();
        const text = await own();
        return text === undefined ? undefined : tokensFromText(text);
      }),
    save: (tokens, signal) =>
      translated(file, async () => {
        signal.throwIfAborted();
        await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
        await own();
        await replace(file, JSON.stringify({ owner: name, signIn: tokensToText(tokens) }));
      }),
    remove: (signal) =>
      translated(file, async () => {
        signal.throwIfAborted();
        await own();
        if (await requireOwn(file)) await unlink(file);
      }),
    exclusively: (work, signal) => turns.run(work, signal),
    whileSigningIn: (work, onWaiting, signal) => signInTurns.run(work, signal, onWaiting),
  };
}

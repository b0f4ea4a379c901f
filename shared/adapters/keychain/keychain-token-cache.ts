import path from 'node:path';
import type { AsyncEntry } from '@napi-rs/keyring';
import type { Clock, TokenCache } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { systemClock } from '../system/clock.ts';
import { sharedFolder, signInFileName } from './shared-folder.ts';
import { partsAfter, splitText } from './split-text.ts';
import { tokensFromText, tokensToText } from './token-text.ts';
import { createTurnFile, personsTurn, type Turns } from './turn-file.ts';

export interface KeychainTokenCacheOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** The computer's own when not said. */
  readonly clock?: Pick<Clock, 'after'>;
  /** A locked keychain may ask on a screen nobody looks at. */
  readonly timeLimitMs?: number;
  /** Longest text of one entry. Windows keeps 2560 bytes, as UTF-16. */
  readonly maxEntryLength?: number;
  /** Whose turn it is to renew; a file that all stations of this account share, unless said otherwise. */
  readonly turns?: Turns;
  /** Whose turn it is to ask a person to sign in; such a file too. */
  readonly signInTurns?: Turns;
}

const SERVICE = 'Muster';
const TIME_LIMIT_MS = 5000;
const MOST_PARTS = 99;
const FORGOTTEN = '{}';
const WINDOWS_ENTRY_LENGTH = 1200;

/**
 * How a locked keychain is told: by the Secret Service, whose question for the password nobody answered or could be
 * asked, and by macOS. The native module gives one code for everything.
 */
const LOCKED = /unlock prompt was dismissed|(?:is|object|collection) locked|interaction is not allowed/i;

function unavailable(cause: unknown): EnrollmentError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (LOCKED.test(message))
    return new EnrollmentError('STATION_KEYCHAIN_LOCKED', { evidence: message, cause });
  return new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE', {
    details: { problem: message },
    evidence: message,
    cause,
  });
}

/** How a person finds the entry of a sign-in and deletes it, with what each system brings along. */
export function deletedByHand(account: string, platform: NodeJS.Platform): string {
  const entry = `the entry of ${SERVICE} for ${account}`;
  const quoted = `'${account.replaceAll("'", "'\\''")}'`;
  if (platform === 'darwin')
    return `Delete ${entry} in Keychain Access, or by: security delete-generic-password -s ${SERVICE} -a ${quoted}`;
  if (platform === 'win32')
    return `Delete ${entry}, and those of its name with #1, #2 and so on, in Credential Manager under Generic Credentials.`;
  return `Delete ${entry} in the system keychain (Passwords and Keys), or by: secret-tool clear service ${SERVICE} username ${quoted}`;
}

/** The work's result, unless the limit or the signal comes first. The native call may go on; nobody waits for it. */
function limited<T>(
  work: (signal: AbortSignal) => Promise<T>,
  limit: { readonly clock: Pick<Clock, 'after'>; readonly ms: number },
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = new AbortController();
    const finish = (outcome: () => void) => {
      cancelLimit();
      signal.removeEventListener('abort', onAbort);
      outcome();
      stop.abort();
    };
    const onAbort = () => finish(() => reject(signal.reason));
    const cancelLimit = limit.clock.after(limit.ms, () => {
      const silence = new Error(`The keychain did not answer within ${limit.ms / 1000} s.`);
      finish(() => reject(unavailable(silence)));
    });
    signal.addEventListener('abort', onAbort, { once: true });
    work(stop.signal).then(
      (value) => finish(() => resolve(value)),
      (thrown: unknown) => finish(() => reject(unavailable(thrown))),
    );
  });
}

/**
 * Remembers a sign-in in the system's keychain (Secret Service, macOS Keychain, Windows Credential Manager),
 * under issuer and client id.
 */
export function createKeychainTokenCache(options: KeychainTokenCacheOptions): TokenCache {
  const { issuer, clientId, clock = systemClock } = options;
  const limit = { clock, ms: options.timeLimitMs ?? TIME_LIMIT_MS };
  const maxEntryLength =
    options.maxEntryLength ??
    (process.platform === 'win32' ? WINDOWS_ENTRY_LENGTH : Number.POSITIVE_INFINITY);
  const account = `${issuer}|${clientId}`;
  const turns =
    options.turns ??
    createTurnFile({ path: path.join(sharedFolder(), signInFileName(issuer, clientId, 'turn')) });
  const signInTurns =
    options.signInTurns ??
    createTurnFile({
      path: path.join(sharedFolder(), signInFileName(issuer, clientId, 'signing-in')),
      ...personsTurn,
    });
  let isProven = false;

  // Loaded when needed: where the native module cannot load there is no keychain, and the station goes on.
  const entryAt = async (index: number): Promise<AsyncEntry> => {
    const keyring = await import('@napi-rs/keyring');
    return new keyring.AsyncEntry(SERVICE, index === 0 ? account : `${account}#${index}`);
  };

  /** Removes the entries from `first` on. A keychain that is not there says yes to every removal, so it is bounded. */
  const removeFrom = async (first: number, signal: AbortSignal) => {
    for (let index = first; index <= MOST_PARTS && !signal.aborted; index += 1) {
      const entry = await entryAt(index);
      if ((await entry.getPassword(signal)) === null) return;
      await entry.deleteCredential(signal);
    }
  };

  /** A keychain that is not there reads like an empty one; only writing tells. */
  const probe = async (signal: AbortSignal): Promise<void> => {
    if (isProven) return;
    const keyring = await import('@napi-rs/keyring');
    const entry = new keyring.AsyncEntry(SERVICE, `${account}|probe`);
    await entry.setPassword(FORGOTTEN, signal);
    await entry.deleteCredential(signal);
    isProven = true;
  };

  return {
    place: 'System keychain',
    deletedByHand: deletedByHand(account, process.platform),
    notShared: undefined,
    load: (signal) =>
      limited(
        async (stop) => {
          const head = await (await entryAt(0)).getPassword(stop);
          if (head === null) {
            await probe(stop);
            return undefined;
          }
          const parts: string[] = [];
          for (let index = 1; index <= partsAfter(head); index += 1) {
            parts.push((await (await entryAt(index)).getPassword(stop)) ?? '');
          }
          return tokensFromText(parts.length === 0 ? head : parts.join(''));
        },
        limit,
        signal,
      ),
    save: (tokens, signal) =>
      limited(
        async (stop) => {
          const entries = splitText(tokensToText(tokens), maxEntryLength);
          // The head last: until it is there, what was remembered before is complete or not there at all.
          for (const [index, text] of [...entries.entries()].reverse()) {
            await (await entryAt(index)).setPassword(text, stop);
          }
          await removeFrom(entries.length, stop);
        },
        limit,
        signal,
      ),
    remove: (signal) =>
      limited(
        async (stop) => {
          // Reading and removing do not tell a locked keychain from an empty one; only writing fails. So the
          // sign-in is overwritten first: what is reported as forgotten is.
          await (await entryAt(0)).setPassword(FORGOTTEN, stop);
          await (await entryAt(0)).deleteCredential(stop);
          await removeFrom(1, stop);
        },
        limit,
        signal,
      ),
    exclusively: (work, signal) => turns.run(work, signal),
    whileSigningIn: (work, onWaiting, signal) => signInTurns.run(work, signal, onWaiting),
  };
}

import { createHash } from 'node:crypto';
import type { ParsedKey } from 'ssh2';
import type { Secret } from '../../../model/secret.ts';
import type { KeyFile } from './key-file.ts';
import { unlockKey } from './unlock-key.ts';

/** Opens key files, each once for a passphrase, however many devices wait for it. */
export interface KeyRing {
  /** @throws {UnusableKeyError}, {WrongPassphraseError}, or the signal's reason */
  open(
    content: string,
    file: KeyFile,
    passphrase: Secret | undefined,
    signal: AbortSignal,
  ): Promise<ParsedKey>;
}

/** Keys that need no passphrase are kept by content; a station uses a few. */
const MOST_PLAIN = 32;

/**
 * A ring in memory. An opened key lives as long as the passphrase that opened it: whoever forgets the passphrase, as a
 * batch does when it is replaced, has forgotten the key. A passphrase that was wrong stays wrong without another try.
 */
export function createKeyRing(): KeyRing {
  const opened = new WeakMap<Secret, Map<string, Promise<ParsedKey>>>();
  const plain = new Map<string, Promise<ParsedKey>>();
  const shelfOf = (passphrase: Secret | undefined): Map<string, Promise<ParsedKey>> => {
    if (passphrase === undefined) return plain;
    const shelf = opened.get(passphrase) ?? new Map<string, Promise<ParsedKey>>();
    opened.set(passphrase, shelf);
    return shelf;
  };
  return {
    open: async (content, file, passphrase, signal) => {
      signal.throwIfAborted();
      const shelf = shelfOf(file.encrypted ? passphrase : undefined);
      const name = createHash('sha256').update(content).digest('base64');
      let work = shelf.get(name);
      if (work === undefined) {
        work = unlockKey(file, passphrase?.reveal() ?? '');
        if (shelf === plain && plain.size >= MOST_PLAIN) plain.clear();
        shelf.set(name, work);
      }
      // The work is shared: it goes on for the others when one device gives up.
      return unlessAborted(work, signal);
    },
  };
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** The blob of a public key file: its second word. Undefined when it is none. */
export function publicKeyBlob(text: string): Buffer | undefined {
  const word = /^[a-z0-9@.-]+\s+(AAAA[A-Za-z0-9+/=]+)/.exec(text.trim())?.[1];
  return word === undefined ? undefined : Buffer.from(word, 'base64');
}

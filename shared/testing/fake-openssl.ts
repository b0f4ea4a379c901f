import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { KEY_CANARY, WRONG_SIGNATURE } from './fake-identity-provider.ts';
import { unquote } from './read-script.ts';

export interface FakeOpensslOptions {
  /** Real key pairs for a device that makes its own; without it they are text that signs nothing. */
  readonly makeKeyPair?: () => KeyPairText;
  /** Signs with such a pair; at once when left out. */
  readonly sign?: (input: string, privatePem: string) => string | Promise<string>;
}

interface KeyPairText {
  readonly privatePem: string;
  readonly publicBase64: string;
}

const NO_KEY_BASE64 = 'QUJD';
const readKeys = new Map<string, KeyObject>();

/** A private key out of its text. Reading takes longer than signing, and the same few come again and again. */
function readOnce(privatePem: string): KeyObject {
  const key = readKeys.get(privatePem) ?? createPrivateKey(privatePem);
  readKeys.set(privatePem, key);
  return key;
}

function signNow(input: string, privatePem: string): string {
  return sign('sha256', Buffer.from(input), readOnce(privatePem)).toString('base64');
}

/** The same as at once, while this thread does something else: a device has a processor of its own. */
export async function signAside(input: string, privatePem: string): Promise<string> {
  const signed = await promisify(sign)('sha256', Buffer.from(input), readOnce(privatePem));
  return signed.toString('base64');
}

/** The openssl of a device that makes its own keys. */
export class FakeOpenssl {
  readonly #options: FakeOpensslOptions;
  /** Of the pairs it has made, by private half. */
  readonly #publicHalves = new Map<string, string>();
  /** It is broken, or somebody has replaced the pair: what it signs is nothing. */
  signsWrongly = false;

  constructor(options: FakeOpensslOptions) {
    this.#options = options;
  }

  makePair(): KeyPairText {
    const pair = this.#options.makeKeyPair?.();
    if (pair === undefined) return { privatePem: `${KEY_CANARY} born`, publicBase64: NO_KEY_BASE64 };
    this.#publicHalves.set(pair.privatePem, pair.publicBase64);
    return pair;
  }

  publicHalf(privatePem: string): string {
    return this.#options.makeKeyPair === undefined
      ? NO_KEY_BASE64
      : (this.#publicHalves.get(privatePem) ?? '');
  }

  /** What it prints for a login; nothing where there is no key to sign with. */
  signature(script: string, privatePem: string | undefined): string | Promise<string> {
    if (this.signsWrongly) return WRONG_SIGNATURE;
    if (privatePem === undefined) return '';
    if (this.#options.makeKeyPair === undefined) return NO_KEY_BASE64;
    const input = /printf '%s' ('[^']*') (?:\| openssl|> "\$i")/.exec(script)?.[1];
    return input === undefined ? '' : (this.#options.sign ?? signNow)(unquote(input), privatePem);
  }
}

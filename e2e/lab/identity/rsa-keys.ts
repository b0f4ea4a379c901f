import { createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

export interface RsaPair {
  readonly publicPem: string;
  /** PKCS#1, the form in which Zitadel hands out private keys. */
  readonly privatePem: string;
}

const generate = promisify(generateKeyPair);

/** A fresh RSA 2048 pair, made on the thread pool so that the event loop stays free. */
export async function generateRsaPair(): Promise<RsaPair> {
  const { publicKey, privateKey } = await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return { publicPem: publicKey, privatePem: privateKey };
}

/** Key pairs with a few made ahead of need, one at a time in the background. */
export class RsaKeyPool {
  readonly #size: number;
  readonly #make: () => Promise<RsaPair>;
  readonly #ready: RsaPair[] = [];
  #refill: Promise<void> | undefined;
  #closed = false;

  constructor(size: number, make: () => Promise<RsaPair> = generateRsaPair) {
    this.#size = size;
    this.#make = make;
    this.#startRefill();
  }

  async take(): Promise<RsaPair> {
    const pair = this.#ready.shift() ?? (await this.#make());
    this.#startRefill();
    return pair;
  }

  /** Ends when as many pairs lie ready as the pool holds. */
  async full(): Promise<void> {
    while (!this.#closed && this.#ready.length < this.#size) {
      this.#startRefill();
      await this.#refill;
    }
  }

  /** Stops making keys and waits for the one being made. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#refill;
  }

  #startRefill(): void {
    if (this.#refill !== undefined || this.#closed || this.#ready.length >= this.#size) return;
    this.#refill = this.#fill().finally(() => {
      this.#refill = undefined;
    });
  }

  async #fill(): Promise<void> {
    while (!this.#closed && this.#ready.length < this.#size) this.#ready.push(await this.#make());
  }
}

/**
 * The PEM inside a `publicKey` field (base64 of an SPKI PEM), or undefined when it is not an RSA public key.
 * A private key or a certificate is refused, although a public key could be derived from either.
 */
export function readPublicKeyField(base64: string): string | undefined {
  const pem = Buffer.from(base64, 'base64').toString('utf8').trim();
  if (!pem.startsWith('-----BEGIN PUBLIC KEY-----')) return undefined;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'rsa'
      ? key.export({ type: 'spki', format: 'pem' }).toString()
      : undefined;
  } catch {
    return undefined;
  }
}

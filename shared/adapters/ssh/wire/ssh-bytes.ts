/** Reads the fields of SSH's binary formats (RFC 4251, section 5), one after the other. */
export class SshReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  /** @throws {RangeError} when there are fewer bytes */
  take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new RangeError('The data ends too early.');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  uint32(): number {
    return this.take(4).readUInt32BE(0);
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  text(): string {
    return this.string().toString('latin1');
  }

  names(): string[] {
    const text = this.text();
    return text === '' ? [] : text.split(',');
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A string field: its length, then its bytes. */
export function sshString(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** The type a public key's blob begins with: `ssh-ed25519`. Empty when it is no such blob. */
export function keyTypeOf(publicBlob: Buffer): string {
  try {
    return new SshReader(publicBlob).text().slice(0, 64);
  } catch {
    return '';
  }
}

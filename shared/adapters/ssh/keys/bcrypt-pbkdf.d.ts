declare module 'bcrypt-pbkdf' {
  interface Bcrypt {
    /** One bcrypt hash of two SHA-512 digests, written into the 32 bytes of `output`. */
    hash(passphrase: Uint8Array, salt: Uint8Array, output: Uint8Array): void;
    /** Derives a key in one go. Gives a value below zero for arguments it does not take. */
    pbkdf(
      passphrase: Uint8Array,
      passphraseLength: number,
      salt: Uint8Array,
      saltLength: number,
      key: Uint8Array,
      keyLength: number,
      rounds: number,
    ): number;
  }
  const bcrypt: Bcrypt;
  export = bcrypt;
}

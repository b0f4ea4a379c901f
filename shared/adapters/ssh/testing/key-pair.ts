import ssh2 from 'ssh2';

/**
 * A new ed25519 key pair in OpenSSH's formats. ssh2 drops leading zero bytes, so that about one of 256 of its keys
 * cannot be read again, not even by itself; such a pair is thrown away.
 */
export function makeKeyPair(): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

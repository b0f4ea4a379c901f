import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';

/** Signatures of host keys, best first. The station asks for the types it knows of a host before all others. */
const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** The type of the key that an algorithm signs with. */
function keyTypeOfAlgorithm(algorithm: ServerHostKeyAlgorithm): string {
  return algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm;
}

/**
 * What the station speaks, best first. No SHA-1, no CBC, no compression (a small reply must not become a large
 * one). Without chacha20-poly1305: Electron's crypto lacks it, and the station is to behave alike everywhere. Without
 * group exchange: there the device chooses the prime, and ssh2 computes with whatever it is given, which a hostile one
 * makes large enough to keep the engine busy for minutes.
 * @param knownTypes types of the keys that are pinned or known of the host. A host with several keys shows the one it
 * is asked for first, and would look changed if it were asked for another.
 */
export function algorithmsFor(knownTypes: readonly string[]): Algorithms {
  const isKnown = (algorithm: ServerHostKeyAlgorithm) => knownTypes.includes(keyTypeOfAlgorithm(algorithm));
  return {
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group14-sha256',
    ],
    serverHostKey: [
      ...hostKeyAlgorithms.filter(isKnown),
      ...hostKeyAlgorithms.filter((algorithm) => !isKnown(algorithm)),
    ],
    cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
    hmac: [
      'hmac-sha2-256-etm@openssh.com',
      'hmac-sha2-512-etm@openssh.com',
      'hmac-sha2-256',
      'hmac-sha2-512',
    ],
    compress: ['none'],
  };
}

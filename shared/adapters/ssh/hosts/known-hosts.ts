import { createHmac } from 'node:crypto';
import { keyTypeOf } from '../wire/ssh-bytes.ts';
import { matchesPatterns } from './host-pattern.ts';

/** One key of a known hosts file. */
export interface KnownKey {
  readonly keyType: string;
  readonly blob: Buffer;
}

/** What a known hosts file says of one host. */
export interface KnownOfHost {
  readonly keys: readonly KnownKey[];
  readonly revoked: readonly KnownKey[];
  /** A certificate authority vouches for this host. The station checks no host certificates. */
  readonly hasAuthority: boolean;
}

export interface KnownHosts {
  /** `name`: as OpenSSH writes it, `host`, or `[host]:port` for a port other than 22. */
  of(name: string): KnownOfHost;
  /** Lines that are no entries, by number. OpenSSH passes them over as well. */
  readonly unreadableLines: readonly number[];
}

interface Entry {
  readonly marker: 'key' | 'revoked' | 'authority';
  readonly matches: (name: string) => boolean;
  readonly key: KnownKey;
}

const markers: Readonly<Record<string, Entry['marker']>> = {
  '@revoked': 'revoked',
  '@cert-authority': 'authority',
};

/** Reads OpenSSH's known hosts format (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), hashed hosts included. Pure. */
export function parseKnownHosts(text: string): KnownHosts {
  const entries: Entry[] = [];
  const unreadableLines: number[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/[ \t]+/);
    if (words[0] === '' || words[0]?.startsWith('#')) continue;
    const entry = entryOf(words);
    if (entry === undefined) unreadableLines.push(index + 1);
    else entries.push(entry);
  }
  return {
    unreadableLines,
    of: (name) => {
      const found = entries.filter((entry) => entry.matches(name));
      const keys = (marker: Entry['marker']) =>
        found.filter((entry) => entry.marker === marker).map((entry) => entry.key);
      return { keys: keys('key'), revoked: keys('revoked'), hasAuthority: keys('authority').length > 0 };
    },
  };
}

function entryOf(words: readonly string[]): Entry | undefined {
  const first = words[0] ?? '';
  const marker = first.startsWith('@') ? markers[first] : 'key';
  const [hosts, keyType, base64] = first.startsWith('@') ? words.slice(1) : words;
  if (marker === undefined || hosts === undefined || keyType === undefined || base64 === undefined)
    return undefined;
  if (!/^[A-Za-z0-9+/]+=*$/.test(base64)) return undefined;
  const blob = Buffer.from(base64, 'base64');
  if (keyTypeOf(blob) !== keyType) return undefined;
  const matches = hosts.startsWith('|') ? hashedMatcher(hosts) : plainMatcher(hosts);
  return matches && { marker, matches, key: { keyType, blob } };
}

function plainMatcher(hosts: string): Entry['matches'] {
  const patterns = hosts.split(',').filter((pattern) => pattern !== '');
  return (name) => matchesPatterns(name, patterns);
}

/** `|1|salt|hash`: HMAC of the name. That it is SHA-1 is the format's; nothing is trusted because of it alone. */
function hashedMatcher(hosts: string): Entry['matches'] | undefined {
  const [, version, salt, hash] = hosts.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return undefined;
  const wanted = Buffer.from(hash, 'base64');
  return (name) =>
    createHmac('sha1', Buffer.from(salt, 'base64')).update(name.toLowerCase()).digest().equals(wanted);
}

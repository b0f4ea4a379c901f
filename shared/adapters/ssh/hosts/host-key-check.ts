import type { PinnedHostKey } from '../../../engine/ports.ts';
import { EnrollmentError } from '../../../errors/enrollment-error.ts';
import { hostKeyFingerprint } from '../fingerprint.ts';
import { keyTypeOf } from '../wire/ssh-bytes.ts';
import type { KnownOfHost } from './known-hosts.ts';

/** Why a host key is trusted. */
export type HostKeyTrust = 'first-contact' | 'pinned' | 'known-hosts';

export interface HostKeyRules {
  /** As it is shown to the operator. */
  readonly address: string;
  /** Where the key is pinned. */
  readonly place: string;
  readonly pinned: PinnedHostKey | undefined;
  readonly known: KnownOfHost | undefined;
  readonly policy: 'pin' | 'known';
}

export interface HostKeyCheck {
  /** Judges a key that the host shows, the first one and those of later key exchanges. */
  verify(blob: Buffer): boolean;
  /** The trusted key; undefined before one was shown. */
  trusted(): { readonly key: PinnedHostKey; readonly trust: HostKeyTrust } | undefined;
  /** Why the last key was refused. */
  refusal(): EnrollmentError | undefined;
  /** Types of the keys that would be trusted: the host is asked for these first. */
  readonly wantedTypes: readonly string[];
}

/**
 * Decides about the keys of one host. The order counts: a revoked key is refused whatever else is known; a pin, which
 * an operator may have renewed, comes before the known hosts file; only then the policy decides about strangers.
 */
export function createHostKeyCheck(rules: HostKeyRules): HostKeyCheck {
  const { pinned, known, policy } = rules;
  let trusted: { readonly key: PinnedHostKey; readonly trust: HostKeyTrust } | undefined;
  let refusal: EnrollmentError | undefined;

  const judge = (blob: Buffer): HostKeyTrust | EnrollmentError => {
    const actual = hostKeyFingerprint(blob);
    if (known?.revoked.some((key) => key.blob.equals(blob)))
      return refuse(rules, 'DEVICE_HOST_KEY_REVOKED', { actual });
    if (trusted !== undefined) {
      if (trusted.key.fingerprint === actual) return trusted.trust;
      return changed(rules, trusted.key.fingerprint, blob, 'It showed another key within one connection.');
    }
    if (pinned !== undefined) {
      if (pinned.fingerprint === actual) return 'pinned';
      return changed(rules, pinned.fingerprint, blob, 'Known from an earlier contact.');
    }
    if (known?.keys.some((key) => key.blob.equals(blob))) return 'known-hosts';
    const other = known?.keys.find((key) => key.keyType === keyTypeOf(blob)) ?? known?.keys[0];
    if (other !== undefined)
      return changed(rules, hostKeyFingerprint(other.blob), blob, 'Known from the known hosts file.');
    if (policy === 'pin') return 'first-contact';
    const evidence = known?.hasAuthority
      ? 'The known hosts file names a certificate authority for this host. The station checks no host certificates.'
      : undefined;
    return refuse(rules, 'DEVICE_HOST_KEY_UNKNOWN', { actual }, evidence);
  };

  return {
    verify: (blob) => {
      const verdict = judge(blob);
      if (verdict instanceof EnrollmentError) {
        refusal = verdict;
        return false;
      }
      const key = { fingerprint: hostKeyFingerprint(blob), keyType: keyTypeOf(blob) };
      trusted ??= { key, trust: verdict };
      return true;
    },
    trusted: () => trusted,
    refusal: () => refusal,
    wantedTypes: wantedTypes(pinned, known),
  };
}

function wantedTypes(pinned: PinnedHostKey | undefined, known: KnownOfHost | undefined): string[] {
  if (pinned !== undefined) return pinned.keyType === undefined ? [] : [pinned.keyType];
  return [...new Set((known?.keys ?? []).map((key) => key.keyType))];
}

function changed(rules: HostKeyRules, expected: string, shown: Buffer, source: string): EnrollmentError {
  const actual = hostKeyFingerprint(shown);
  return refuse(
    rules,
    'DEVICE_HOST_KEY_CHANGED',
    // The type goes along: whoever trusts this key has to ask for it by its type.
    { expected, actual, place: rules.place, keyType: keyTypeOf(shown) },
    `Known: ${expected}\nNow: ${actual}\n${source}`,
  );
}

function refuse(
  { address }: HostKeyRules,
  code: 'DEVICE_HOST_KEY_CHANGED' | 'DEVICE_HOST_KEY_UNKNOWN' | 'DEVICE_HOST_KEY_REVOKED',
  details: Readonly<Record<string, string>>,
  evidence?: string,
): EnrollmentError {
  return new EnrollmentError(code, {
    details: { address, ...details },
    subject: address,
    phase: 'connect',
    ...(evidence === undefined ? {} : { evidence }),
  });
}

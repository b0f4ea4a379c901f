import { forgetBornKeys, openTemporary, replaceDurably } from './commands.ts';
import { EXIT_OBSTRUCTED } from './exit-status.ts';
import { EXIT_EPOCH_CHANGED } from './fence.ts';
import { defineFragment, type Fragment } from './fragment.ts';
import { agentUserName, bornKeyPath, keyPath } from './paths.ts';
import { shellQuote } from './quote.ts';
import { orTellWhy } from './write-failure.ts';

/** Bits of the RSA pair, as the provider's own. */
const KEY_BITS = 2048;
const PEM_LINE = 64;
/** A public key of 2048 to 4096 bits, and a signature made with one, in base64. */
const MOST_BASE64 = 2048;

/**
 * A pair that has waited longer than this, by the device's uptime, is nobody's any more: no exchange of an enrollment and
 * no wait in it is nearly as long.
 */
const WAITS_AT_MOST_SECONDS = 24 * 3600;
/** What the log shows in the place of a pair's name: the same in every run and in its preview. */
const ANY_PAIR = bornKeyPath('*');

/** Shell line that names the private half that waits for its key id, for root alone. */
function waitingKey(pair: string): string {
  return `b="$R"${shellQuote(bornKeyPath(pair))}`;
}

/**
 * Shell lines that clear away pairs nobody waits for any more. The time stamp of a pair is the uptime at its birth, which
 * no set clock moves.
 */
const forgetOldBornKeys = `u=$(cut -d. -f1 /proc/uptime 2>/dev/null || echo 0)
for o in "$R"${bornKeyPath('*')}; do
  if [ -f "$o" ] && [ $((u - $(stat -c %Y "$o"))) -gt ${WAITS_AT_MOST_SECONDS} ]; then rm -f "$o"; fi
done`;

/**
 * Makes a key pair whose private half never leaves the device. Only the public half is printed. Where that fails the
 * script goes on without: the station then has a key minted.
 *
 * OpenSSL 3 writes PKCS#8 unless asked for the traditional form, which older versions write without being asked.
 * @param pair the journal entry its key will have: two stations at work on one device never hold each other's pair
 */
export function makeKeyPair(pair: string): Fragment {
  return defineFragment(
    `openssl genrsa ${KEY_BITS} > ${ANY_PAIR}`,
    `umask 077
${forgetOldBornKeys}
${waitingKey(pair)}
rm -f "$b"
trap 'rm -f "$b"; exit 1' HUP INT TERM PIPE
( set -C; : > "$b" )
p=
{ openssl genrsa -traditional ${KEY_BITS} > "$b" 2>/dev/null || openssl genrsa ${KEY_BITS} > "$b" 2>/dev/null; } &&
  p=$(openssl rsa -in "$b" -pubout -outform DER 2>/dev/null | openssl base64 -A)
touch -d "@$u" "$b"
if [ -n "$p" ]; then printf 'public-key %s\\n' "$p"; else rm -f "$b"; echo 'openssl made no key'; fi`,
  );
}

/** Signs a login with the key that waits, by RS256, and prints the signature. It proves that the key logs in. */
export function signWithBornKey(pair: string, signingInput: string): Fragment {
  return defineFragment(
    `openssl dgst -sha256 -sign ${ANY_PAIR}`,
    `${waitingKey(pair)}
s=$(printf '%s' ${shellQuote(signingInput)} | openssl dgst -sha256 -sign "$b" 2>/dev/null | openssl base64 -A)
printf 'signature %s\\n' "$s"`,
  );
}

/**
 * Signs a login with the key the device holds, and prints the signature: nothing where that cannot be read or there is no
 * openssl. The private half goes from the key file through a pipe; what lies in memory for a moment is the login, which is
 * no secret.
 */
export function signWithHeldKey(signingInput: string): Fragment {
  return defineFragment(
    `openssl dgst -sha256 -sign ${keyPath}`,
    `umask 077
k="$R${keyPath}"
i=
trap 'rm -f "$i"' EXIT
trap 'exit 1' HUP INT TERM PIPE
i=$(mktemp "$R/run/fleet-agent-login.XXXXXXXX")
printf '%s' ${shellQuote(signingInput)} > "$i"
s=
if [ -f "$k" ] && [ ! -L "$k" ] && command -v openssl >/dev/null 2>&1; then
  s=$(tr -d '\\n' < "$k" | sed -n 's/.*"key" *: *"\\([^"]*\\)".*/\\1/p' | sed 's/\\\\n/\\n/g' |
    openssl dgst -sha256 -sign /dev/stdin "$i" 2>/dev/null | openssl base64 -A)
fi
printf 'signature %s\\n' "$s"`,
  );
}

/**
 * Makes the key file out of the pair that waits: in the shape of a minted one, with the same owner and mode, and as
 * safe against a power cut. A PEM holds nothing that JSON would have to escape but its line ends.
 *
 * Only where it is the key that was registered: a key id with another key's private half would never log in, and look
 * right. Pairs of other stations go with it: the epoch was raised, and none of them can go on.
 * @param key `pair`: see {@link makeKeyPair}; `publicBase64`: the public half as the device told it
 */
export function adoptBornKey(key: {
  readonly keyId: string;
  readonly userId: string;
  readonly pair: string;
  readonly publicBase64: string;
}): Fragment {
  const head = `{"type":"serviceaccount","keyId":${JSON.stringify(key.keyId)},"key":"`;
  const tail = `","userId":${JSON.stringify(key.userId)}}`;
  return defineFragment(
    `put ${ANY_PAIR} into ${keyPath}`,
    `umask 077
${openTemporary(keyPath)}
${waitingKey(key.pair)}
if [ ! -f "$b" ] || [ -L "$b" ]; then echo 'obstructed: ${ANY_PAIR} is gone'; exit ${EXIT_OBSTRUCTED}; fi
[ "$(openssl rsa -in "$b" -pubout -outform DER 2>/dev/null | openssl base64 -A)" = ${shellQuote(key.publicBase64)} ] ||
  { echo 'the pair that waits is not the one that was registered'; exit ${EXIT_EPOCH_CHANGED}; }
{ printf '%s' ${shellQuote(head)} && sed 's/$/\\\\n/' "$b" | tr -d '\\n' && printf '%s' ${shellQuote(tail)}; } > "$t" ${orTellWhy('$t')}
chown ${agentUserName}:${agentUserName} "$t"
chmod 0640 "$t"
${replaceDurably(keyPath)}
${forgetBornKeys} || true
echo "mode 0640, owner ${agentUserName}" || true`,
  );
}

export interface BirthLine {
  readonly kind: 'public-key' | 'signature';
  readonly base64: string;
}

/** What a line tells that is for the station and not for the log, or undefined. */
export function readBirthLine(line: string): BirthLine | undefined {
  const match = /^(public-key|signature) ([A-Za-z0-9+/]*={0,2})$/.exec(line);
  const base64 = match?.[2] ?? '';
  if (match === null || base64.length > MOST_BASE64) return undefined;
  return { kind: match[1] === 'signature' ? 'signature' : 'public-key', base64 };
}

/** A public key in PEM (RFC 7468), out of its DER in base64. */
export function publicKeyPem(base64: string): string {
  const lines = base64.match(new RegExp(`.{1,${PEM_LINE}}`, 'g')) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`;
}

/** Shell line of a look that tells whether the device can make a key of its own. */
export const tellKeyMaker = `command -v openssl >/dev/null 2>&1 && fact key-maker openssl`;

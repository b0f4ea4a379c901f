import type { Fragment } from '../device/fragment.ts';
import { signWithBornKey, signWithHeldKey } from '../device/key-birth.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Desired } from '../steps/define-step.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import { type BornKey, mintKey, type PendingKey } from './machine-keys.ts';
import { performCommands } from './perform-commands.ts';
import type { LoginProof, MintedKey } from './ports.ts';

type Note = (kind: 'note' | 'problem', text: string) => void;

function noteOf({ record }: EnrollmentContext): Note {
  return (kind, text) => record.log.add({ kind, stepId: 'key-config', text });
}

/** Has the device sign, in one exchange. Empty where it could not. */
async function signatureOf(context: EnrollmentContext, fragment: Fragment): Promise<string> {
  let signature = '';
  await performCommands(
    context,
    [{ step: 'key-config', parts: [{ kind: 'fragment', fragment }], goesOn: true }],
    {
      collect: (line) => {
        if (line.kind === 'signature') signature = line.base64;
      },
    },
  );
  return signature;
}

/**
 * Has the device log in with the key it made, before that takes the place of any other: a provider may show a registered
 * key and refuse every login with it (zitadel/zitadel#7948).
 */
export async function proveBornKey(context: EnrollmentContext, key: BornKey): Promise<LoginProof> {
  const { identity, signal } = context;
  const note = noteOf(context);
  const signature = await signatureOf(context, signWithBornKey(key.pair, key.signingInput));
  const proof = signature === '' ? 'not-its-signature' : await identity.provesLogin(key, signature, signal);
  if (proof === 'logs-in')
    note('note', `the device has logged in with key ${key.keyId}, whose private half never left it`);
  else if (proof === 'refused')
    note(
      'problem',
      `the identity provider refuses a login with the device's own key ${key.keyId}; one is minted instead`,
    );
  else note('problem', `the device signs nothing with its own key ${key.keyId}; one is minted instead`);
  return proof;
}

/**
 * A minted key in the place of one that was born on the device. After a refusal the minted one logs in too: only the two
 * together tell that the provider does not take registered keys, and not that something else is wrong with logins.
 */
export async function mintInstead(
  context: EnrollmentContext,
  { userId, keyIdsBefore }: Desired,
  proof: LoginProof,
): Promise<PendingKey<MintedKey>> {
  const { deviceId, identity, keys, signal } = context;
  const note = noteOf(context);
  const pending = await mintKey(keys, deviceId, userId, keyIdsBefore, signal);
  if (proof !== 'refused' || !identity.takesPublicKeys) return pending;
  const logsIn = await logsInIfAsked(context, pending.key);
  if (logsIn === false)
    note('problem', 'the minted key is refused as well: registered keys are not what is wrong');
  if (identity.takesPublicKeys) return pending;
  keys.logger.log('warn', 'registered-keys-do-not-log-in', { deviceId, issuer: keys.realm.issuer });
  note('problem', 'registered keys are refused and minted ones are not: from now on keys are minted');
  return pending;
}

/** Undefined where the provider could not be asked, which the log tells. */
async function logsInIfAsked(context: EnrollmentContext, key: MintedKey): Promise<boolean | undefined> {
  const { identity, signal } = context;
  try {
    return await identity.logsIn(key, signal);
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof EnrollmentError)) throw thrown;
    noteOf(context)('problem', `whether key ${key.keyId} logs in could not be found out: ${thrown.message}`);
    return undefined;
  }
}

/**
 * Whether the key on the device works, where no heartbeat can tell: it has logged in. A key that was born there did so
 * before it was put in place; one that was minted just now is tried by the station, and one of an earlier run by the
 * device, where it has openssl.
 * @param held id of the key that a look has found on the device
 */
export async function isProvenByLogin(
  context: EnrollmentContext,
  pending: PendingKey | undefined,
  held: { readonly userId: string; readonly keyId: string },
): Promise<boolean> {
  const { identity, look, signal } = context;
  if (pending !== undefined)
    return 'file' in pending.key ? (await logsInIfAsked(context, pending.key)) === true : true;
  if (!look.facts.canMakeKeys) return false;
  const challenge = identity.challengeLogin(held.userId, held.keyId);
  const signature = await signatureOf(context, signWithHeldKey(challenge.signingInput));
  return signature !== '' && (await identity.provesLogin(challenge, signature, signal)) === 'logs-in';
}

import { z } from 'zod';
import type { Clock, Random } from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Administration, SetUpFolder } from './administration.ts';
import { lookAgain } from './look-again.ts';

/** A key file as the provider makes it; it has more members, which stay as they are. */
const keyFile = z.looseObject({
  type: z.literal('serviceaccount'),
  keyId: z.string().min(1),
  userId: z.string().min(1),
  key: z.string().regex(/^-----BEGIN (?:RSA )?PRIVATE KEY-----/),
});
/** Written before a key is made, so that a key whose file never came to be is known again by its expiry. */
const intent = z.strictObject({ userId: z.string().min(1), expiresAt: z.int().positive() });

const DAY_MS = 86_400_000;

export const keyFileName = (userName: string): string => `keys/${userName}.json`;
const intentName = (userName: string): string => `keys/${userName}.unfinished`;

export interface KeptKey {
  readonly keyId: string;
  readonly userId: string;
}

export interface KeyFiles {
  /**
   * The key that is kept for this user, by its file alone.
   * @throws STATION_SETUP_FILE_REFUSED for a file that is not a key
   */
  kept(userName: string, signal: AbortSignal): Promise<KeptKey | undefined>;
  /**
   * Makes sure that the user has a key and that its file is here. Says whether one was made.
   * @throws STATION_SETUP_FILE_REFUSED where the file is for another user, or its key is gone at the provider
   */
  ensure(
    user: { readonly id: string; readonly userName: string },
    signal: AbortSignal,
  ): Promise<{ readonly keyId: string; readonly created: boolean }>;
  /** The kept key, after it was compared with the provider. A user who is not there has no id. Throws as `ensure` does. */
  check(userName: string, userId: string | undefined, signal: AbortSignal): Promise<KeptKey | undefined>;
}

/** Keys of machine users, which can be read once only, in the folder the operator names. */
export function createKeyFiles(options: {
  readonly administration: Administration;
  readonly folder: SetUpFolder;
  readonly clock: Clock;
  readonly random: Random;
  readonly validForDays: number;
}): KeyFiles {
  const { administration, folder, clock, random, validForDays } = options;

  function refused(name: string, problem: string): EnrollmentError {
    const path = `${folder.path}/${name}`;
    return new EnrollmentError('STATION_SETUP_FILE_REFUSED', { details: { path, problem }, subject: path });
  }

  async function kept(userName: string, signal: AbortSignal): Promise<KeptKey | undefined> {
    const name = keyFileName(userName);
    const text = await folder.read(name, signal);
    if (text === undefined) return undefined;
    const parsed = keyFile.safeParse(parseJson(text));
    // What is wrong is told by member: the content is secret.
    if (parsed.success) return { keyId: parsed.data.keyId, userId: parsed.data.userId };
    const members = parsed.error.issues.map((issue) => issue.path.join('.')).filter((one) => one !== '');
    throw refused(
      name,
      members.length === 0
        ? 'it is no key file'
        : `it is no key file of a machine user (${members.join(', ')})`,
    );
  }

  async function check(
    userName: string,
    userId: string | undefined,
    signal: AbortSignal,
  ): Promise<KeptKey | undefined> {
    const file = await kept(userName, signal);
    if (file === undefined) return undefined;
    const name = keyFileName(userName);
    if (userId === undefined || file.userId !== userId) {
      const is = userId === undefined ? 'does not exist' : `is ${userId}`;
      throw refused(name, `it is the key of the user ${file.userId}, and ${userName} ${is}`);
    }
    const findKey = async () =>
      (await administration.listKeys(userId, signal)).find(({ keyId }) => keyId === file.keyId);
    if ((await lookAgain(findKey, { clock, signal })) !== undefined) return file;
    throw refused(name, `its key ${file.keyId} was deleted at the identity provider, or has expired`);
  }

  /** Deletes a key that a set-up made and was stopped before it could keep. */
  async function finishInterrupted(userName: string, userId: string, signal: AbortSignal): Promise<void> {
    const name = intentName(userName);
    const text = await folder.read(name, signal);
    if (text === undefined) return;
    const parsed = intent.safeParse(parseJson(text));
    if (parsed.success && parsed.data.userId === userId) {
      // It may have been made a moment ago, and not be shown yet.
      const findKey = async () =>
        (await administration.listKeys(userId, signal)).find(
          (key) => key.expiresAt === parsed.data.expiresAt,
        );
      const left = await lookAgain(findKey, { clock, signal });
      if (left !== undefined) await administration.deleteKey(userId, left.keyId, signal);
    }
    await folder.remove(name, signal);
  }

  return {
    kept,
    check,
    ensure: async (user, signal) => {
      const { id, userName } = user;
      const file = await check(userName, id, signal);
      if (file !== undefined) {
        await folder.remove(intentName(userName), signal);
        return { keyId: file.keyId, created: false };
      }
      await finishInterrupted(userName, id, signal);
      // The odd milliseconds tell this key from every other one of the user.
      const oddMs = Math.floor(random.fraction() * 1000);
      const expiresAt = Math.floor((clock.nowMs() + validForDays * DAY_MS) / 1000) * 1000 + oddMs;
      await folder.create(intentName(userName), JSON.stringify({ userId: id, expiresAt }), signal);
      const minted = await administration.mintKey(id, expiresAt, signal);
      try {
        await folder.create(keyFileName(userName), minted.file.reveal(), signal);
      } catch (thrown) {
        // Nobody has it: a key that cannot be kept is not left behind.
        await administration.deleteKey(id, minted.keyId, signal);
        throw thrown;
      }
      await folder.remove(intentName(userName), signal);
      return { keyId: minted.keyId, created: true };
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may be secret.
    return undefined;
  }
}

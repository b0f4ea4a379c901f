import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Heartbeat } from '../model/station-state.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import { boardText } from './id-in-use.ts';

/** When a token ends that was asked for until now, as far as a login of this run has told how long they last. */
function endOfToken({ identity, ports }: EnrollmentContext): string {
  const lastMs = identity.machineTokensLastMs;
  if (lastMs === undefined) return 'once its token ends';
  const end = new Date(ports.clock.nowMs() + lastMs).toISOString();
  return `once its token ends, by ${end.slice(0, 10)} ${end.slice(11, 16)} UTC at the latest`;
}

/**
 * Deletes the key of the board an id was taken over from, now that this board's own has proven to work. What the other one
 * has in hand, a token and a connection made with it, ends by itself.
 *
 * A key that could not be deleted is told and nothing more: the other board goes on reporting, and the next enrollment
 * finds the id in use again.
 * @param account the machine user, its keys before this enrollment, and the key this board holds
 */
export async function shutOut(
  context: EnrollmentContext,
  other: Heartbeat,
  account: {
    readonly userId: string;
    readonly keyIds: readonly string[];
    readonly provenKeyId: string | undefined;
  },
): Promise<void> {
  const { keys, record, signal } = context;
  const note = (text: string): void => record.log.add({ kind: 'note', stepId: 'heartbeat', text });
  const { keyId } = other;
  if (keyId === undefined || keyId === account.provenKeyId || !account.keyIds.includes(keyId)) {
    note(`${boardText(other)} signs in with a key of another account; it was left alone`);
    return;
  }
  try {
    await keys.identity.deleteKey(account.userId, keyId, signal);
    note(`key ${keyId} of ${boardText(other)} deleted: that board is shut out ${endOfToken(context)}`);
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof EnrollmentError)) throw thrown;
    keys.logger.log('warn', 'taken-over-key-not-deleted', { keyId, error: String(thrown) });
    note(`key ${keyId} of ${boardText(other)} could not be deleted: take the id over again`);
  }
}

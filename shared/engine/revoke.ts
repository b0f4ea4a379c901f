import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import { asEnrollmentError, withLimit } from './limits.ts';
import type { Clock, Logger, SignInClient, TokenSet } from './ports.ts';

const REVOKE_LIMIT_MS = 10_000;

/** Ends a sign-in at the provider, within ten seconds. @returns why it was not revoked */
export async function revoke(
  ports: { readonly clock: Clock; readonly logger: Logger; readonly client: SignInClient },
  tokens: TokenSet,
  signal: AbortSignal,
): Promise<EnrollmentError | undefined> {
  const { clock, logger, client } = ports;
  try {
    const onLimit = (): EnrollmentError =>
      new EnrollmentError('IDENTITY_UNREACHABLE', { details: { issuer: 'the identity provider' } });
    await withLimit({ clock, limitMs: REVOKE_LIMIT_MS, signal, onLimit }, (limited) =>
      client.revoke(tokens, limited),
    );
    return undefined;
  } catch (thrown) {
    logger.log('warn', 'sign-in-not-revoked', { error: describeThrown(thrown) });
    return asEnrollmentError(thrown);
  }
}

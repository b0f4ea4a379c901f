import * as oidc from 'openid-client';
import type { Clock, DeviceCodePrompt, Logger, SignInClient, TokenSet } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Profile } from '../../model/profile.ts';
import type { HttpClient } from '../http/http.ts';
import { clientConfiguration, discoverProvider, type ProviderMetadata } from './discovery.ts';
import { isTransient, refusalEvidence, refusalOf, signInError } from './oauth-errors.ts';
import { signInScope } from './scopes.ts';
import { newTokenSet, renewedTokenSet, type TokenReply } from './token-set.ts';

export interface SignInClientOptions {
  readonly profile: Profile;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const DEFAULT_INTERVAL_SECONDS = 5;
/** RFC 8628, section 3.5. */
const SLOW_DOWN_SECONDS = 5;
const LONGEST_LIFE_SECONDS = 3600;

/** Sign-in by device code (RFC 8628) and token upkeep, with `openid-client`. */
export function createSignInClient(options: SignInClientOptions): SignInClient {
  const { http, clock, logger } = options;
  const { identity } = options.profile;
  let known: ProviderMetadata | undefined;

  async function configure(signal: AbortSignal): Promise<oidc.Configuration> {
    known ??= await discoverProvider(identity, http, signal);
    return clientConfiguration(identity, known, http, signal);
  }

  /** Runs an operation; aborting wins over whatever error it causes. */
  async function guarded<T>(action: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (thrown) {
      signal.throwIfAborted();
      throw signInError(thrown, identity, action);
    }
  }

  function promptOf(reply: oidc.DeviceAuthorizationResponse): DeviceCodePrompt {
    const lifeSeconds = Math.min(reply.expires_in, LONGEST_LIFE_SECONDS);
    return {
      userCode: reply.user_code,
      verificationUri: webAddress(reply.verification_uri, identity.issuer),
      verificationUriComplete: webAddress(
        reply.verification_uri_complete ?? reply.verification_uri,
        identity.issuer,
      ),
      expiresAt: clock.nowMs() + lifeSeconds * 1000,
      intervalSeconds: reply.interval ?? DEFAULT_INTERVAL_SECONDS,
    };
  }

  /** Asks until somebody decided. A link that drops for a while does not end the sign-in; the code's expiry does. */
  async function poll(
    configuration: oidc.Configuration,
    deviceCode: string,
    prompt: DeviceCodePrompt,
    signal: AbortSignal,
  ): Promise<TokenReply> {
    let intervalSeconds = prompt.intervalSeconds;
    const lifeMs = prompt.expiresAt - clock.nowMs();
    const endsAt = clock.monotonicMs() + lifeMs;
    for (;;) {
      await clock.sleep(intervalSeconds * 1000, signal);
      try {
        return await oidc.genericGrantRequest(configuration, DEVICE_GRANT, { device_code: deviceCode });
      } catch (thrown) {
        signal.throwIfAborted();
        const error = refusalOf(thrown)?.error;
        if (error === 'slow_down') intervalSeconds += SLOW_DOWN_SECONDS;
        else if (error !== 'authorization_pending' && !isTransient(thrown)) throw thrown;
        else if (error !== 'authorization_pending')
          logger.log('info', 'sign-in-poll-failed', { error: thrown });
      }
      if (clock.monotonicMs() >= endsAt) {
        throw new EnrollmentError('IDENTITY_CODE_EXPIRED', { subject: identity.issuer });
      }
    }
  }

  return {
    signIn: (onPrompt, signal) =>
      guarded('sign in', signal, async () => {
        const configuration = await configure(signal);
        const scope = signInScope(identity.project_id);
        const reply = await oidc.initiateDeviceAuthorization(configuration, { scope });
        const prompt = promptOf(reply);
        onPrompt(prompt);
        const tokens = await poll(configuration, reply.device_code, prompt, signal);
        return newTokenSet(configuration, tokens, clock, logger);
      }),

    refresh: (tokens: TokenSet, signal) =>
      guarded('renew the sign-in', signal, async () => {
        const { refreshToken } = tokens;
        if (refreshToken === undefined) {
          throw new EnrollmentError('IDENTITY_SESSION_ENDED', {
            subject: identity.issuer,
            evidence: 'There is no refresh token.',
          });
        }
        const configuration = await configure(signal);
        try {
          const reply = await oidc.refreshTokenGrant(configuration, refreshToken.reveal());
          return renewedTokenSet(tokens, reply, clock);
        } catch (thrown) {
          const refusal = refusalOf(thrown);
          // Which error a dead refresh token brings differs between versions: any 4xx means "sign in again".
          if (refusal === undefined || refusal.status >= 500 || refusal.status === 429) throw thrown;
          throw new EnrollmentError('IDENTITY_SESSION_ENDED', {
            subject: identity.issuer,
            evidence: refusalEvidence(refusal),
            cause: thrown,
          });
        }
      }),

    revoke: (tokens: TokenSet, signal) =>
      guarded('end the sign-in', signal, async () => {
        const configuration = await configure(signal);
        if (configuration.serverMetadata().revocation_endpoint === undefined) return;
        const { refreshToken, accessToken } = tokens;
        const results = await Promise.allSettled([
          refreshToken === undefined
            ? undefined
            : oidc.tokenRevocation(configuration, refreshToken.reveal(), {
                token_type_hint: 'refresh_token',
              }),
          oidc.tokenRevocation(configuration, accessToken.reveal(), { token_type_hint: 'access_token' }),
        ]);
        for (const result of results) if (result.status === 'rejected') throw result.reason;
      }),
  };
}

/**
 * A verification address as it is shown and opened: http or https, and of the provider itself.
 * @throws IDENTITY_REPLY_UNREADABLE
 */
function webAddress(address: string, issuer: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isWeb = url?.protocol === 'https:' || (url?.protocol === 'http:' && issuer.startsWith('http:'));
  if (!isWeb) {
    throw new EnrollmentError('IDENTITY_REPLY_UNREADABLE', {
      details: { action: 'sign in' },
      subject: issuer,
      evidence: `The verification address is not a web address: ${address}`,
    });
  }
  return url.href;
}

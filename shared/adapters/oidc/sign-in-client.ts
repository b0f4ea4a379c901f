import * as oidc from 'openid-client';
import { waitUnlessAborted } from '../../engine/limits.ts';
import type { Clock, DeviceCodePrompt, Logger, SignInClient, TokenSet } from '../../engine/ports.ts';
import { describeThrown, EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Profile } from '../../model/profile.ts';
import { providerPage } from '../../model/provider-page.ts';
import { Secret } from '../../model/secret.ts';
import type { HttpClient } from '../http/http.ts';
import { clientConfiguration, discoverProvider, type ProviderMetadata } from './discovery.ts';
import { isTransient, refusalEvidence, refusalOf, signInError } from './oauth-errors.ts';
import { watchProviderClock } from './provider-clock.ts';
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
  const { clock, logger } = options;
  const { identity } = options.profile;
  const providerClock = watchProviderClock(options.http, clock, identity.issuer);
  const { http } = providerClock;
  let known: ProviderMetadata | undefined;

  async function providerOf(signal: AbortSignal): Promise<ProviderMetadata> {
    known ??= await discoverProvider(identity, http, signal);
    return known;
  }

  async function configure(signal: AbortSignal): Promise<oidc.Configuration> {
    return clientConfiguration(identity, await providerOf(signal), http, signal);
  }

  /**
   * Runs an operation; aborting wins over whatever error it causes. It notes the secrets that it sends, so that no reply
   * brings them into evidence.
   */
  async function guarded<T>(
    action: string,
    signal: AbortSignal,
    work: (sent: Secret[]) => Promise<T>,
  ): Promise<T> {
    const sent: Secret[] = [];
    try {
      signal.throwIfAborted();
      return await work(sent);
    } catch (thrown) {
      signal.throwIfAborted();
      throw signInError(thrown, identity, action, clock.nowMs(), sent);
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
    provider: ProviderMetadata,
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
        return await askOnce(provider, deviceCode, signal);
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

  /** For requests that outlast a cancelled sign-in; the client's own limit ends them. */
  function untiedConfiguration(provider: ProviderMetadata): oidc.Configuration {
    return clientConfiguration(identity, provider, http, new AbortController().signal);
  }

  /**
   * One question whether the code was approved. It is not cut off when the sign-in is cancelled: an answer on its way
   * may hold tokens, and those that nobody wants any more are revoked.
   */
  async function askOnce(
    provider: ProviderMetadata,
    deviceCode: string,
    signal: AbortSignal,
  ): Promise<TokenReply> {
    const untied = untiedConfiguration(provider);
    const asking = oidc.genericGrantRequest(untied, DEVICE_GRANT, { device_code: deviceCode });
    try {
      return await waitUnlessAborted(asking, signal);
    } catch (thrown) {
      if (signal.aborted) void asking.then((reply) => discard(untied, reply), noAnswer);
      throw thrown;
    }
  }

  /** The sign-in of tokens that came. One that was cancelled meanwhile is none, and its tokens are revoked. */
  async function signInOf(
    configuration: oidc.Configuration,
    provider: ProviderMetadata,
    reply: TokenReply,
    signal: AbortSignal,
  ): Promise<TokenSet> {
    try {
      const tokens = await newTokenSet(configuration, reply, clock, logger, signal);
      signal.throwIfAborted();
      return tokens;
    } catch (thrown) {
      void discard(untiedConfiguration(provider), reply);
      throw thrown;
    }
  }

  /** There are no tokens where the question brought an error. */
  const noAnswer = (): void => undefined;

  /** Revokes tokens that nobody will hold. */
  async function discard(configuration: oidc.Configuration, reply: TokenReply): Promise<void> {
    try {
      await revokeAt(configuration, reply.access_token, reply.refresh_token);
    } catch (thrown) {
      logger.log('warn', 'cancelled-sign-in-not-revoked', { error: describeThrown(thrown) });
    }
  }

  /** @throws IDENTITY_CALL_FAILED where the provider names no place for it */
  async function revokeAt(
    configuration: oidc.Configuration,
    accessToken: string,
    refreshToken: string | undefined,
  ): Promise<void> {
    if (configuration.serverMetadata().revocation_endpoint === undefined) {
      throw new EnrollmentError('IDENTITY_CALL_FAILED', {
        details: { issuer: identity.issuer, action: 'end the sign-in', status: 'no revocation endpoint' },
        subject: identity.issuer,
        evidence: 'The discovery document names no revocation_endpoint.',
      });
    }
    const results = await Promise.allSettled([
      refreshToken === undefined
        ? undefined
        : oidc.tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' }),
      oidc.tokenRevocation(configuration, accessToken, { token_type_hint: 'access_token' }),
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  return {
    clockProblem: () => providerClock.problem(),

    signIn: (onPrompt, signal) =>
      guarded('sign in', signal, async (sent) => {
        const configuration = await configure(signal);
        const scope = signInScope(identity.project_id);
        const reply = await oidc.initiateDeviceAuthorization(configuration, { scope });
        sent.push(new Secret(reply.device_code));
        const skew = providerClock.problem();
        if (skew !== undefined) throw skew;
        const prompt = promptOf(reply);
        onPrompt(prompt);
        const provider = await providerOf(signal);
        const tokens = await poll(provider, reply.device_code, prompt, signal);
        sent.push(new Secret(tokens.access_token));
        return signInOf(configuration, provider, tokens, signal);
      }),

    refresh: (tokens: TokenSet, signal) =>
      guarded('renew the sign-in', signal, async (sent) => {
        const { refreshToken } = tokens;
        if (refreshToken === undefined) {
          throw new EnrollmentError('IDENTITY_SESSION_ENDED', {
            subject: identity.issuer,
            evidence: 'There is no refresh token.',
          });
        }
        sent.push(refreshToken);
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
            evidence: refusalEvidence(refusal, sent),
            cause: thrown,
          });
        }
      }),

    revoke: (tokens: TokenSet, signal) =>
      guarded('end the sign-in', signal, async (sent) => {
        sent.push(tokens.accessToken);
        if (tokens.refreshToken !== undefined) sent.push(tokens.refreshToken);
        const configuration = await configure(signal);
        await revokeAt(configuration, tokens.accessToken.reveal(), tokens.refreshToken?.reveal());
      }),
  };
}

/**
 * A verification address as it is shown and opened, by the window and by the command line: of the provider itself.
 * @throws IDENTITY_REPLY_UNREADABLE
 */
function webAddress(address: string, issuer: string): string {
  const page = providerPage(address, issuer, { plainHttp: issuer.startsWith('http:') });
  if (page !== undefined) return page;
  throw new EnrollmentError('IDENTITY_REPLY_UNREADABLE', {
    details: { action: 'sign in' },
    subject: issuer,
    evidence: `The verification address is not a page of ${issuer}: ${address}`,
  });
}

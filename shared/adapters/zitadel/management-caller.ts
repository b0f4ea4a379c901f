import { backoffMs } from '../../engine/backoff.ts';
import type { AccessTokenSource, Clock, Logger, Random } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Profile } from '../../model/profile.ts';
import type { Secret } from '../../model/secret.ts';
import type { HttpClient, HttpReply } from '../http/http.ts';
import { findHttpFailure, type HttpFailure } from '../http/http-failure.ts';
import { identityFailure } from '../http/identity-failure.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import { CallFailure, callError, exchangeEvidence, failureKind, refusedCall } from './call-failure.ts';
import { CallTokens } from './call-tokens.ts';
import type { Endpoint, Place } from './endpoints.ts';
import { createRetryBudget } from './retry-budget.ts';
import { SharedPause } from './shared-pause.ts';

export interface ManagementCallerOptions {
  readonly identity: Pick<Profile['identity'], 'issuer' | 'org_id'>;
  readonly tokens: AccessTokenSource;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The provider wants a pause that somebody will notice: every call waits for so many milliseconds. */
  readonly onPause?: ((ms: number) => void) | undefined;
}

/** Makes calls of the management API, with token, retries and typed errors. */
export interface ManagementCaller {
  /**
   * The reply, or the {@link CallFailure} when its kind is one of `expected`.
   * @throws {EnrollmentError} for every other failure.
   */
  call<Input, Reply>(
    endpoint: Endpoint<Input, Reply>,
    input: Input,
    options: {
      readonly signal: AbortSignal;
      readonly expected?: readonly CallFailure['kind'][];
      /** The organisation of the profile when left out. */
      readonly place?: Place;
    },
  ): Promise<Reply | CallFailure>;
}

const MOST_ATTEMPTS = 5;

type Outcome = { readonly reply: HttpReply } | { readonly failure: HttpFailure };

export function createManagementCaller(options: ManagementCallerOptions): ManagementCaller {
  const { identity, tokens, http, clock, random, logger } = options;
  const { issuer, org_id: orgId } = identity;
  const callTokens = new CallTokens(tokens);
  const budget = createRetryBudget();
  const pause = new SharedPause({ clock, random }, issuer, (ms) => {
    logger.log('warn', 'identity-provider-wants-a-pause', { ms });
    options.onPause?.(ms);
  });

  async function exchange<Input>(
    endpoint: Endpoint<Input, unknown>,
    input: Input,
    place: Place,
    token: Secret,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const body = endpoint.body(input, place);
    try {
      const reply = await http.request({
        method: endpoint.method,
        url: new URL(endpoint.path(input), `${issuer.replace(/\/$/, '')}/`),
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          accept: 'application/json',
          // Messages are matched by id only, but they end up in evidence: one language for everybody.
          'accept-language': 'en',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(orgId === undefined ? {} : { 'x-zitadel-orgid': orgId }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        liveConnection: endpoint.repeat === 'only-when-refused',
        signal,
      });
      return { reply };
    } catch (thrown) {
      const failure = findHttpFailure(thrown);
      if (failure === undefined) throw thrown;
      return { failure };
    }
  }

  function read<Reply>(
    endpoint: Endpoint<never, Reply>,
    path: string,
    token: Secret,
    reply: HttpReply,
  ): Reply {
    const unreadable = (cause: unknown) =>
      new EnrollmentError('IDENTITY_REPLY_UNREADABLE', {
        details: { action: endpoint.action },
        subject: issuer,
        evidence: exchangeEvidence(
          { method: endpoint.method, path, sent: [token] },
          reply,
          endpoint.secretReply !== true,
        ),
        cause,
      });
    let content: unknown;
    try {
      content = JSON.parse(reply.text === '' ? '{}' : reply.text);
    } catch {
      // The parser's own message quotes the text, which may hold a key.
      throw unreadable(undefined);
    }
    const parsed = endpoint.reply.safeParse(content);
    if (!parsed.success) throw unreadable(endpoint.secretReply === true ? undefined : parsed.error);
    return parsed.data;
  }

  /** How long to wait before a repeat, or undefined when there is none. */
  function waitBefore(
    attempt: number,
    outcome: HttpFailure | CallFailure,
    mayRepeatLost: boolean,
  ): number | undefined {
    const isRefusal = outcome instanceof CallFailure && outcome.kind === 'slow-down';
    const isTransient =
      outcome instanceof CallFailure
        ? outcome.kind === 'try-again'
        : outcome.kind === 'unreachable' || outcome.kind === 'time-limit';
    if (!isRefusal && !(isTransient && mayRepeatLost)) return undefined;
    const asked = isRefusal ? retryAfterMs(outcome.retryAfter, clock.nowMs()) : undefined;
    // For everybody, whether or not this call goes on.
    if (isRefusal && asked !== undefined) pause.askedFor(asked, outcome.evidence);
    if (attempt >= MOST_ATTEMPTS || !budget.spend()) return undefined;
    const backoff = backoffMs(attempt, random.fraction());
    if (asked !== undefined) return 0;
    if (isRefusal) pause.askedFor(backoff, outcome.evidence);
    return backoff;
  }

  return {
    call: async (endpoint, input, { signal, expected = [], place = { orgId } }) => {
      const { action, method } = endpoint;
      const path = `/${endpoint.path(input)}`;
      const mayRepeatLost = endpoint.repeat === 'safe';
      const callPlace = { action, issuer, orgId: orgId ?? 'of its own' };
      let token = await callTokens.first(signal);
      let refusals = 0;
      const begunAtMs = clock.monotonicMs();
      budget.earn();
      for (let attempt = 1; ; ) {
        await pause.waitOut(begunAtMs, signal);
        const outcome = await exchange(endpoint, input, place, token, signal);
        if ('reply' in outcome && outcome.reply.status < 300) {
          callTokens.wasAccepted(token);
          return read(endpoint, path, token, outcome.reply);
        }
        const failure =
          'failure' in outcome
            ? outcome.failure
            : new CallFailure(
                failureKind(outcome.reply),
                outcome.reply,
                exchangeEvidence({ method, path, sent: [token] }, outcome.reply),
              );
        if (failure instanceof CallFailure && failure.kind === 'unauthenticated') {
          refusals += 1;
          token = await callTokens.inPlaceOf(token, refusals, refusedCall(failure, callPlace), signal);
          continue;
        }
        if (failure instanceof CallFailure && failure.hasSeenToken) callTokens.wasAccepted(token);
        if (failure instanceof CallFailure && expected.includes(failure.kind)) return failure;
        const waitMs = waitBefore(attempt, failure, mayRepeatLost);
        if (waitMs === undefined) {
          throw failure instanceof CallFailure
            ? callError(failure, callPlace)
            : identityFailure(failure, issuer, action);
        }
        logger.log('info', 'identity-call-repeated', { method, path, attempt, reason: failure.message });
        await clock.sleep(waitMs, signal);
        attempt += 1;
      }
    },
  };
}

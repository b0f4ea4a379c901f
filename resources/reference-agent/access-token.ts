import { AgentError, oneLine, reasonOf } from './agent-error.ts';
import { exchange, type HttpReply } from './http-exchange.ts';
import { type MachineKey, signAssertion } from './machine-key.ts';

export interface TokenRequest {
  readonly issuerUrl: string;
  readonly audience: string;
  readonly acceptInvalidCertificates: boolean;
  readonly key: MachineKey;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Beyond this a signed assertion is refused, whatever else is right. */
const CLOCK_TOLERANCE_SECONDS = 60;

function parseObject(reply: HttpReply): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(reply.body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

async function callIssuer(request: TokenRequest, url: string, form?: URLSearchParams): Promise<HttpReply> {
  try {
    return await exchange({
      url,
      ...(form ? { form } : {}),
      acceptInvalidCertificates: request.acceptInvalidCertificates,
      signal: request.signal,
    });
  } catch (error) {
    throw new AgentError(
      'issuer',
      `The issuer ${request.issuerUrl} cannot be reached (${reasonOf(error)}).`,
      error,
    );
  }
}

async function discoverTokenEndpoint(request: TokenRequest): Promise<string> {
  const reply = await callIssuer(
    request,
    `${request.issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`,
  );
  const { issuer, token_endpoint: endpoint } = parseObject(reply);
  if (reply.status !== 200 || typeof issuer !== 'string' || typeof endpoint !== 'string') {
    throw new AgentError('issuer', `${request.issuerUrl} answered discovery with status ${reply.status}.`);
  }
  if (issuer !== request.issuerUrl) {
    throw new AgentError(
      'issuer',
      `The configured issuer is ${request.issuerUrl}, but it calls itself ${oneLine(issuer)}.`,
    );
  }
  return endpoint;
}

/** Seconds this clock is ahead of the issuer's (negative: behind), when that is more than the issuer forgives. */
function clockError(reply: HttpReply, nowMs: number): number | undefined {
  if (reply.serverTimeMs === undefined) return undefined;
  const offsetSeconds = Math.round((nowMs - reply.serverTimeMs) / 1000);
  return Math.abs(offsetSeconds) > CLOCK_TOLERANCE_SECONDS ? offsetSeconds : undefined;
}

/**
 * A fresh access token for the machine user, with the project's audience and the role claims.
 * @throws {AgentError} issuer, clock or token, saying what to look at.
 */
export async function fetchAccessToken(request: TokenRequest): Promise<string> {
  const endpoint = await discoverTokenEndpoint(request);
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: signAssertion(request.key, request.issuerUrl, request.now()),
    scope: `openid urn:zitadel:iam:org:project:id:${request.audience}:aud urn:zitadel:iam:org:projects:roles`,
  });
  const reply = await callIssuer(request, endpoint, form);
  const { access_token: token, error, error_description: description } = parseObject(reply);
  if (reply.status === 200 && typeof token === 'string' && token.length > 0) return token;

  const offsetSeconds = clockError(reply, request.now());
  if (offsetSeconds !== undefined) {
    const side = offsetSeconds > 0 ? 'ahead of' : 'behind';
    throw new AgentError(
      'clock',
      `This clock is ${Math.abs(offsetSeconds)} s ${side} the issuer's. Set the time.`,
    );
  }
  const said = oneLine([error, description].filter((part) => typeof part === 'string').join(': '));
  // Zitadel answers any assertion it cannot verify with a bare 500.
  const hint =
    reply.status >= 500 ? ' Check that the key is still registered, and the issuer and audience.' : '';
  throw new AgentError(
    'token',
    `The issuer gave no token: status ${reply.status}, ${said || 'no reason'}.${hint}`,
  );
}

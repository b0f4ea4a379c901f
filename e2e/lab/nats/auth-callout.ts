import {
  type AuthorizationRequest,
  type ClaimsData,
  decode,
  encodeAuthorizationResponse,
  encodeUser,
  type KeyPair,
} from '@nats-io/jwt';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { AccessDecision, ConnectionClaim } from './access-policy.ts';

const REQUEST_SUBJECT = '$SYS.REQ.USER.AUTH';
const REQUEST_AUDIENCE = 'nats-authorization-request';

export interface AuthCalloutOptions {
  /** A connection of the callout account; its server is the only one whose requests are answered. */
  readonly connection: NatsConnection;
  /** The account key that signs grants; its public half is the `issuer` of the server's configuration. */
  readonly issuer: KeyPair;
  /** The accounts that admitted clients live in. */
  readonly accounts: { readonly device: string; readonly station: string };
  readonly decide: (claim: ConnectionClaim) => Promise<AccessDecision>;
  readonly onDecision: (decision: AccessDecision, claim: ConnectionClaim) => void;
  /** A message that is no request of our server; it gets no answer. */
  readonly onForeignRequest: (reason: string) => void;
}

/** The request in a message; its signature is checked by `decode`. @throws when it is not our server's. */
function readRequest(msg: Msg, { connection, issuer }: AuthCalloutOptions): AuthorizationRequest {
  const claims: ClaimsData<AuthorizationRequest> = decode<AuthorizationRequest>(msg.string());
  const { server_id: server, user_nkey, client_info, connect_opts } = claims.nats;
  if (claims.iss !== connection.info?.server_id || server?.id !== claims.iss)
    throw new Error('signed by another server');
  if (claims.aud !== REQUEST_AUDIENCE) throw new Error('not an authorization request');
  if (claims.sub !== issuer.getPublicKey()) throw new Error('meant for another issuer');
  if (claims.exp !== undefined && claims.exp * 1000 < Date.now()) throw new Error('too old');
  if (!user_nkey || !client_info || !connect_opts) throw new Error('incomplete');
  return { server_id: server, user_nkey, client_info, connect_opts };
}

async function answer(msg: Msg, options: AuthCalloutOptions): Promise<void> {
  const { issuer, accounts, decide, onDecision } = options;
  let request: AuthorizationRequest;
  try {
    request = readRequest(msg, options);
  } catch (error) {
    options.onForeignRequest(error instanceof Error ? error.message : 'unreadable');
    return;
  }
  const { connect_opts: shown, user_nkey: user, server_id: server } = request;
  const claim: ConnectionClaim = { token: shown.auth_token, name: shown.name };
  const decision = await decide(claim);
  onDecision(decision, claim);
  const data = decision.granted
    ? {
        // Without `aud` the server would look for an account called NATS.
        jwt: await encodeUser(decision.name, user, issuer, decision.permissions, {
          aud: accounts[decision.as],
          exp: Math.floor(decision.expiresAtSeconds),
        }),
      }
    : { error: decision.reason };
  msg.respond(await encodeAuthorizationResponse(user, server.id, issuer, data, {}));
}

/**
 * Answers the server's question about each connecting client until the connection closes. Requests are
 * answered side by side, so a slow look-up for one client does not hold up the others.
 */
export function serveAuthCallout(options: AuthCalloutOptions): void {
  options.connection.subscribe(REQUEST_SUBJECT, {
    queue: 'lab-auth-callout',
    callback: (error, msg) => {
      if (error) {
        options.onForeignRequest(error.message);
        return;
      }
      answer(msg, options).catch((failure: unknown) => {
        // Unanswered, the client is turned away at the server's own time limit.
        options.onForeignRequest(failure instanceof Error ? failure.message : 'the answer could not be sent');
      });
    },
  });
}

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFront, type Handler } from './front.ts';
import type { Exchange, Reply } from './http-exchange.ts';
import { createIdSource } from './ids.ts';
import { type Inspection, inspectStore } from './inspection.ts';
import { answerJwtBearer, jwtBearerGrantType } from './jwt-bearer.ts';
import { type LabIdentity, loadLabIdentity } from './lab-identity-file.ts';
import { ManagementApi } from './management/management-api.ts';
import { DeviceRequests } from './oidc/device-requests.ts';
import { OidcProvider } from './oidc/provider.ts';
import { type LabIdentityOptions, parseOptions } from './options.ts';
import { DevicePages } from './pages/device-pages.ts';
import { type LabOperator, labPeople } from './people.ts';
import { RequestLog } from './request-log.ts';
import { RsaKeyPool } from './rsa-keys.ts';
import { seededStore } from './seed.ts';
import type { Store } from './store.ts';
import { looksLikeJwt, Tokens } from './tokens.ts';
import { answerUserinfo } from './userinfo.ts';

export interface LabIdentityProvider {
  /** The bare origin, equal to `issuer` in discovery. */
  readonly issuer: string;
  /** Public native client with the device-code and refresh-token grants. */
  readonly clientId: string;
  readonly projectId: string;
  readonly projectName: string;
  readonly orgId: string;
  readonly orgName: string;
  /** May enroll devices. */
  readonly operator: LabOperator;
  /** May sign in but is refused by the management API, in two different ways. */
  readonly otherOperators: { readonly auditor: LabOperator; readonly trainee: LabOperator };
  /** A personal access token with the rights of `operator`, for runs without a sign-in. */
  readonly adminToken: string;
  /** Closes every connection; safe to call twice. */
  stop(): Promise<void>;
  inspect(): Inspection;
}

/**
 * Starts the lab's identity provider on loopback: OIDC and the management API subset on one origin.
 * @throws when the port is taken or an option is out of range.
 */
export async function startLabIdentityProvider(options: LabIdentityOptions): Promise<LabIdentityProvider> {
  const settings = parseOptions(options);
  options.signal.throwIfAborted();
  const identity = await loadLabIdentity(settings.dataDir);
  const store = seededStore(settings, identity);
  const server = createServer();
  const port = await listen(server, settings.host, settings.port);
  const issuer = new URL(`http://${settings.host}:${port}`).origin;

  const keyPool = new RsaKeyPool(settings.keyPoolSize);
  const tokens = new Tokens(issuer, identity, store, settings.accessTokenLifetimeSeconds);
  const oidc = new OidcProvider(settings, identity, store, tokens);
  const log = new RequestLog();
  const stopping = new AbortController();
  const front = createFront({
    authority: new URL(issuer).host,
    faults: options.faults,
    log,
    signal: stopping.signal,
    handle: createHandler(
      store,
      tokens,
      oidc,
      new DevicePages(store, new DeviceRequests(oidc.provider), issuer),
      new ManagementApi({ store, tokens, keyPool, nextId: createIdSource() }),
    ),
  });
  server.on('request', front);

  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      options.signal.removeEventListener('abort', onAbort);
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await Promise.all([closed, keyPool.close()]);
    })();
    return stopped;
  };
  const onAbort = (): void => void stop();
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) {
    await stop();
    options.signal.throwIfAborted();
  }
  return { ...publicFacts(issuer, identity, store), stop, inspect: () => inspectStore(store, log) };
}

function publicFacts(issuer: string, identity: LabIdentity, store: Store) {
  const { clientId, projectId, orgId, adminToken } = identity;
  return {
    issuer,
    clientId,
    projectId,
    projectName: store.projects.get(projectId)?.name ?? '',
    orgId,
    orgName: store.org.name,
    operator: labPeople.owner,
    otherOperators: { auditor: labPeople.auditor, trainee: labPeople.trainee },
    adminToken,
  };
}

/** Sends each request to the part that owns its path. */
function createHandler(
  store: Store,
  tokens: Tokens,
  oidc: OidcProvider,
  pages: DevicePages,
  management: ManagementApi,
): Handler {
  return async (exchange) => {
    if (management.owns(exchange.path)) return management.answer(exchange);
    if (pages.owns(exchange.path)) return pages.answer(exchange);
    switch (exchange.path) {
      case '/debug/healthz':
      case '/debug/ready':
        return { status: 200, body: 'ok' };
      case '/oidc/v1/userinfo':
        return answerUserinfo(exchange, store, tokens);
      default: {
        const own = await ownOauthAnswer(exchange, store, tokens);
        if (own !== undefined) return own;
        await oidc.handle(exchange, exchange.response);
        return undefined;
      }
    }
  };
}

/** The OAuth requests that oidc-provider cannot take: assertions without a client, revoking a JWT. */
async function ownOauthAnswer(exchange: Exchange, store: Store, tokens: Tokens): Promise<Reply | undefined> {
  if (exchange.method !== 'POST') return undefined;
  const form = new URLSearchParams(exchange.body);
  if (exchange.path === '/oauth/v2/token' && form.get('grant_type') === jwtBearerGrantType) {
    return answerJwtBearer(store, tokens, form);
  }
  const token = form.get('token') ?? '';
  if (exchange.path === '/oauth/v2/revoke' && looksLikeJwt(token)) {
    await tokens.revoke(token);
    return { status: 200 };
  }
  return undefined;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host.replace(/^\[|\]$/g, ''), () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

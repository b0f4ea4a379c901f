import { setMaxListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { LabClock } from './clock.ts';
import { createFront, type Handler } from './front.ts';
import { createIdSource } from './ids.ts';
import { type Inspection, inspectStore } from './inspection.ts';
import { type LabControl, labControl } from './lab-control.ts';
import { type LabIdentity, loadLabIdentity } from './lab-identity-file.ts';
import { ManagementApi } from './management/management-api.ts';
import { OauthFront } from './oauth-front.ts';
import { DeviceRequests } from './oidc/device-requests.ts';
import { OidcProvider } from './oidc/provider.ts';
import { type LabIdentityOptions, parseOptions } from './options.ts';
import { DevicePages } from './pages/device-pages.ts';
import { type LabOperator, labPeople } from './people.ts';
import { RequestLog } from './request-log.ts';
import { RsaKeyPool } from './rsa-keys.ts';
import { otherOrgName, seed } from './seed.ts';
import { Store } from './store.ts';
import { Tokens } from './tokens.ts';
import { answerUserinfo } from './userinfo.ts';
import { V2Api } from './v2/v2-api.ts';
import type { World } from './world.ts';

export interface LabIdentityProvider {
  /** The bare origin, equal to `issuer` in discovery. */
  readonly issuer: string;
  /** The origin connections really go to; the issuer, unless another was asked for. */
  readonly listensOn: string;
  /** Public native client with the device-code and refresh-token grants. Nobody's when the lab is bare. */
  readonly clientId: string;
  /** Nobody's when the lab is bare. */
  readonly projectId: string;
  readonly projectName: string;
  readonly orgId: string;
  readonly orgName: string;
  /** A second organisation, which only the instance's owner can see into. */
  readonly otherOrg: { readonly id: string; readonly name: string };
  /** May enroll devices. */
  readonly operator: LabOperator;
  /** May sign in but is refused by the management API, in two different ways. */
  readonly otherOperators: { readonly auditor: LabOperator; readonly trainee: LabOperator };
  /** A personal access token with the rights of `operator`, for runs without a sign-in. */
  readonly adminToken: string;
  /** A personal access token of an IAM_OWNER, as a new instance gives for its set-up. */
  readonly instanceToken: string;
  /** A personal access token of a machine user without any manager role. */
  readonly powerlessToken: string;
  /** What a test can do to the provider while it runs. */
  readonly control: LabControl;
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
  const server = settings.tls === undefined ? createServer() : createTlsServer(settings.tls);
  const port = await listen(server, settings.host, settings.port);
  const listensOn = `${settings.tls === undefined ? 'http' : 'https'}://${settings.host}:${port}`;
  const issuer = settings.externalOrigin ?? new URL(listensOn).origin;

  const clock = new LabClock();
  const store = new Store(settings.searchLagMs, clock);
  const keyPool = new RsaKeyPool(settings.keyPoolSize, options.makeKeyPair);
  const world: World = { store, keyPool, nextId: createIdSource(), quirks: settings.quirks };
  seed(world, settings, identity);
  const tokens = new Tokens(issuer, clock, identity, store, settings.accessTokenLifetimeSeconds);
  const oidc = new OidcProvider(settings, identity, store, tokens);
  const requests = new DeviceRequests(oidc.provider);
  const log = new RequestLog();
  const stopping = new AbortController();
  // One listener for every request that waits out its latency.
  setMaxListeners(0, stopping.signal);
  const parts = {
    oidc,
    oauth: new OauthFront(world, tokens, requests),
    pages: new DevicePages(store, requests, issuer),
    management: new ManagementApi(world, tokens, settings.apiGenerations.includes('v1')),
    v2: new V2Api(
      world,
      tokens,
      settings.apiGenerations.find((one) => one !== 'v1'),
    ),
  };
  server.on(
    'request',
    createFront({
      authority: new URL(issuer).host,
      faults: options.faults,
      latencyMs: settings.latencyMs,
      clock,
      log,
      signal: stopping.signal,
      handle: createHandler(world, tokens, parts),
      endToken: async (bearer) => void (await tokens.revoke(bearer)),
    }),
  );

  const close = (): Promise<void> => {
    if (!server.listening) return Promise.resolve();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    return closed;
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      options.signal.removeEventListener('abort', onAbort);
      stopping.abort();
      await Promise.all([close(), keyPool.close()]);
    })();
    return stopped;
  };
  const onAbort = (): void => void stop();
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) {
    await stop();
    options.signal.throwIfAborted();
  }
  const listenAgain = async (): Promise<void> => {
    stopping.signal.throwIfAborted();
    await listen(server, settings.host, port);
  };
  const control = labControl({
    clock,
    keyPool,
    requests,
    store,
    tokens,
    memory: oidc.control,
    close,
    listen: listenAgain,
  });
  return {
    ...publicFacts(issuer, identity, world),
    listensOn,
    ...{ projectName: settings.projectName, control, stop, inspect: () => inspectStore(store, log) },
  };
}

function publicFacts(issuer: string, identity: LabIdentity, { store }: World) {
  const { clientId, projectId, orgId, adminToken, instanceToken, powerlessToken } = identity;
  return {
    ...{ issuer, clientId, projectId, orgId, adminToken, instanceToken, powerlessToken },
    orgName: store.orgs.get(orgId)?.name ?? '',
    otherOrg: { id: identity.otherOrgId, name: otherOrgName },
    operator: labPeople.owner,
    otherOperators: { auditor: labPeople.auditor, trainee: labPeople.trainee },
  };
}

interface HandlerParts {
  readonly oidc: OidcProvider;
  readonly oauth: OauthFront;
  readonly pages: DevicePages;
  readonly management: ManagementApi;
  readonly v2: V2Api;
}

/** Sends each request to the part that owns its path. */
function createHandler({ store }: World, tokens: Tokens, parts: HandlerParts): Handler {
  const { oidc, oauth, pages, management, v2 } = parts;
  return async (exchange) => {
    if (management.owns(exchange.path)) return management.answer(exchange);
    if (v2.owns(exchange.path)) return v2.answer(exchange);
    if (pages.owns(exchange.path)) return pages.answer(exchange);
    switch (exchange.path) {
      case '/debug/healthz':
      case '/debug/ready':
        return { status: 200, body: 'ok' };
      case '/oidc/v1/userinfo':
        return answerUserinfo(exchange, store, tokens);
      default: {
        const own = await oauth.answer(exchange);
        if (own !== undefined) return own;
        await oidc.handle(exchange, exchange.response);
        return undefined;
      }
    }
  };
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

import { generateKeyPairSync } from 'node:crypto';
import type { AccessTokenSource } from '#shared/engine/ports.ts';
import { Secret } from '#shared/model/secret.ts';
import type { FakeClock } from '#shared/testing/fake-clock.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import type { FaultRequest, Faults } from '../identity/faults.ts';
import { type LabIdentityProvider, startLabIdentityProvider } from '../identity/identity-provider.ts';
import type { RsaPair } from '../identity/rsa-keys.ts';
import { zitadelAudienceScope } from '../identity/scopes.ts';
import { asideHeader, logInWithKey, type MachineKeyFile } from './machine-login.ts';
import { type Wire, wireHeader } from './wire.ts';

/** What the world of the moment wants to know of every request. */
export interface Watcher {
  readonly clock: FakeClock;
  readonly wire: Wire;
  readonly faults: Faults;
  onRequest(request: FaultRequest): void;
}

/** A lab's provider that serves one world after the other. */
export interface ProofLab {
  readonly provider: LabIdentityProvider;
  /** The world whose clock, faults and observer hold from now on. */
  serve(watcher: Watcher): void;
  /** Tokens of an administrator, renewed by a real login when one is refused. */
  tokens(clock: FakeClock): AccessTokenSource;
  stop(): Promise<void>;
}

/** Starts a lab whose clock follows that of the world it serves. */
export async function startProofLab(dataDir: string, makeKeyPair: KeyPairs): Promise<ProofLab> {
  let watcher: Watcher | undefined;
  /** Requests to a route before this world began do not count: a seed does the same in every run. */
  let counts = new Map<string, number>();
  const faults: Faults = {
    before: async (request) => {
      if (watcher === undefined) return undefined;
      const { wire } = watcher;
      watcher.onRequest(request);
      if (request.headers[asideHeader] !== undefined) return undefined;
      const earlierOnRoute = counts.get(request.route) ?? 0;
      counts.set(request.route, earlierOnRoute + 1);
      const fault = await watcher.faults.before({ ...request, earlierOnRoute });
      const sent = String(request.headers[wireHeader]);
      if (fault === 'hang') wire.hangs(sent);
      if (typeof fault !== 'object' || !('delayMs' in fault)) return fault;
      await wire.isLate(sent, fault.delayMs);
      return undefined;
    },
  };
  const provider = await startLabIdentityProvider({
    ...{ signal: new AbortController().signal, dataDir, faults, searchLagMs: 2 },
    ...{ keyPoolSize: 0, makeKeyPair: async () => makeKeyPair() },
  });
  const admin = await administratorKey(provider);
  return {
    provider,
    serve: (next) => {
      counts = new Map();
      watcher = next;
      provider.control.followClock(() => next.clock.nowMs());
    },
    tokens: (clock) => {
      let current: Secret | undefined;
      let renewal: Promise<Secret> | undefined;
      const renew = async (): Promise<Secret> => {
        const scope = `openid ${zitadelAudienceScope}`;
        const token = await clock.whileOutside(() =>
          logInWithKey(provider.issuer, admin, clock.nowMs(), scope),
        );
        if (token === undefined) throw new Error('The administrator cannot log in.');
        current = new Secret(token);
        return current;
      };
      return {
        accessToken: (_signal, rejected) => {
          const isRefused = rejected !== undefined && rejected.reveal() === current?.reveal();
          if (current !== undefined && !isRefused) return Promise.resolve(current);
          renewal ??= renew().finally(() => {
            renewal = undefined;
          });
          return renewal;
        },
      };
    },
    stop: () => provider.stop(),
  };
}

async function administratorKey(provider: LabIdentityProvider): Promise<MachineKeyFile> {
  const admin = provider.inspect().users.find((user) => user.userName === 'muster-admin');
  const response = await fetch(`${provider.issuer}/management/v1/users/${admin?.id}/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${provider.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'KEY_TYPE_JSON', expirationDate: '2099-01-01T00:00:00Z' }),
    signal: unlessItHangs(),
  });
  const { keyDetails } = (await response.json()) as { keyDetails: string };
  return JSON.parse(Buffer.from(keyDetails, 'base64').toString('utf8')) as MachineKeyFile;
}

/** Gives pairs in turn. */
export type KeyPairs = () => RsaPair & { readonly publicBase64: string };

/** Real key pairs for devices and provider, made once: making one takes longer than a whole enrollment here. */
export function keyPairSource(size: number): KeyPairs {
  const pairs = Array.from({ length: size }, () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return {
      privatePem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      publicBase64: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    };
  });
  let next = 0;
  return () => {
    const pair = pairs[next % pairs.length];
    next += 1;
    if (pair === undefined) throw new Error('A pool of key pairs without a pair.');
    return pair;
  };
}

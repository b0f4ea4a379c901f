import { generateKeyPairSync } from 'node:crypto';
import type { AccessTokenSource, Clock } from '#shared/engine/ports.ts';
import { Secret } from '#shared/model/secret.ts';
import type { FaultRequest, Faults } from '../identity/faults.ts';
import { type LabIdentityProvider, startLabIdentityProvider } from '../identity/identity-provider.ts';
import { zitadelAudienceScope } from '../identity/scopes.ts';
import type { FastClock } from './fast-clock.ts';
import { asideHeader, logInWithKey, type MachineKeyFile } from './machine-login.ts';

/** What the world of the moment wants to know of every request. */
export interface Watcher {
  readonly clock: FastClock;
  readonly faults: Faults;
  onRequest(request: FaultRequest): void;
}

/** A lab's provider that serves one world after the other. */
export interface ProofLab {
  readonly provider: LabIdentityProvider;
  /** The world whose clock, faults and observer hold from now on. */
  serve(watcher: Watcher): void;
  /** Tokens of an administrator, renewed by a real login when one is refused. */
  tokens(clock: Clock): AccessTokenSource;
  stop(): Promise<void>;
}

/** Starts a lab whose clock follows that of the world it serves. */
export async function startProofLab(dataDir: string): Promise<ProofLab> {
  let watcher: Watcher | undefined;
  /** Requests to a route before this world began do not count: a seed does the same in every run. */
  let counts = new Map<string, number>();
  const faults: Faults = {
    before: (request) => {
      if (watcher === undefined) return undefined;
      provider.control.setClockOffset(watcher.clock.aheadSeconds);
      watcher.onRequest(request);
      if (request.headers[asideHeader] !== undefined) return undefined;
      const earlierOnRoute = counts.get(request.route) ?? 0;
      counts.set(request.route, earlierOnRoute + 1);
      return watcher.faults.before({ ...request, earlierOnRoute });
    },
  };
  const provider = await startLabIdentityProvider({
    ...{ signal: new AbortController().signal, dataDir, faults, keyPoolSize: 8, searchLagMs: 2 },
    accessTokenLifetimeSeconds: 86_400,
  });
  const admin = await administratorKey(provider);
  return {
    provider,
    serve: (next) => {
      counts = new Map();
      watcher = next;
    },
    tokens: (clock) => {
      let current: Secret | undefined;
      let renewal: Promise<Secret> | undefined;
      const renew = async (): Promise<Secret> => {
        const token = await logInWithKey(
          provider.issuer,
          admin,
          clock.nowMs(),
          `openid ${zitadelAudienceScope}`,
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
    signal: AbortSignal.timeout(10_000),
  });
  const { keyDetails } = (await response.json()) as { keyDetails: string };
  return JSON.parse(Buffer.from(keyDetails, 'base64').toString('utf8')) as MachineKeyFile;
}

/** Real key pairs for devices, made once: making one takes longer than a whole enrollment on the fast clock. */
export function keyPairSource(size: number): () => { privatePem: string; publicBase64: string } {
  const pairs = Array.from({ length: size }, () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return {
      privatePem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
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

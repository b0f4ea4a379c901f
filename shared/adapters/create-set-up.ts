import type { Logger } from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Profile } from '../model/profile.ts';
import type { Secret } from '../model/secret.ts';
import type { Administration } from '../setup/administration.ts';
import { createIdentityHttpClient } from './http/http.ts';
import type { ProxyChoice } from './http/proxy.ts';
import { discoverProvider } from './oidc/discovery.ts';
import { systemClock } from './system/clock.ts';
import { systemRandom } from './system/random.ts';
import { createZitadelAdministration } from './zitadel/administration.ts';

export interface SetUpPorts {
  readonly administration: Administration;
  close(): void;
}

export interface SetUpPortsOptions {
  /** Issuer, organisation and trust; its client and project are not made yet. */
  readonly profile: Profile;
  readonly token: Secret;
  /** Where the token came from, for the operator. */
  readonly variable: string;
  readonly logger: Logger;
  /** Which proxy the provider is reached through; what the environment names unless said otherwise. */
  readonly proxyFor?: ProxyChoice | undefined;
  readonly signal: AbortSignal;
}

/**
 * An identity provider as its administrator sees it, after it was asked whether it is the one that is meant.
 * @throws IDENTITY_UNREACHABLE, IDENTITY_CERTIFICATE_REFUSED, IDENTITY_ISSUER_MISMATCH, STATION_PROFILE_INVALID
 */
export async function createSetUpPorts(options: SetUpPortsOptions): Promise<SetUpPorts> {
  const { profile, token, variable, logger, signal } = options;
  const { identity } = profile;
  const http = createIdentityHttpClient(profile, systemClock, options.proxyFor);
  try {
    await discoverProvider(identity, http, signal);
  } catch (thrown) {
    http.close();
    throw thrown;
  }
  const tokens = {
    accessToken: async (_signal: AbortSignal, rejected?: Secret): Promise<Secret> => {
      if (rejected === undefined) return token;
      throw new EnrollmentError('IDENTITY_TOKEN_REFUSED', { details: { variable }, subject: variable });
    },
  };
  return {
    administration: createZitadelAdministration({
      ...{ identity, tokens, http, logger, api: 'probe' },
      ...{ clock: systemClock, random: systemRandom },
    }),
    close: () => http.close(),
  };
}

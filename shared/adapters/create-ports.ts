import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Journal, SignInClient, StationPorts, TokenCache } from '../engine/ports.ts';
import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import type { Profile } from '../model/profile.ts';
import { createAgentBinaryStore } from './binary/agent-binary-store.ts';
import { createTokenCheck } from './create-token-check.ts';
import { createDeviceConnector } from './device-connector.ts';
import { createIdentityHttpClient } from './http/http.ts';
import type { ProxyChoice } from './http/proxy.ts';
import { tokenCacheFor } from './keychain/token-policy.ts';
import { createLocalConnector } from './local/connector.ts';
import { localEnvironment } from './local/local-environment.ts';
import { createLogger, type StationLogger } from './log/logger.ts';
import { createNatsHeartbeatWatch } from './nats/heartbeat-watch.ts';
import { createSignInClient } from './oidc/sign-in-client.ts';
import { createSshConnector } from './ssh/connector.ts';
import { thisAccount } from './ssh/this-account.ts';
import { systemClock } from './system/clock.ts';
import { systemRandom } from './system/random.ts';
import { sha256Hex } from './system/sha256.ts';
import { createZitadelIdentityProvider } from './zitadel/identity-provider.ts';

const LOG_LIMIT_BYTES = 10 * 1024 * 1024;

export interface PortsOptions {
  readonly profile: Profile;
  /** Journal and log live here. */
  readonly userDataDir: string;
  /** `made` if missing, for this account only; `as-it-is`: whoever only looks does without what cannot be written there. */
  readonly folder?: 'made' | 'as-it-is';
  /** Where the sign-in is remembered; what the profile says unless said otherwise. */
  readonly tokenCache?: TokenCache;
  /** How somebody signs in; by device code unless said otherwise. */
  readonly signIn?: SignInClient;
  /** Opens the journal of this folder: SQLite in the app, a file of lines where nothing native may be needed. */
  openJournal(userDataDir: string): Journal;
  openBrowser(url: string): Promise<boolean>;
  /** Which proxy the provider is reached through; what the environment names unless said otherwise. */
  readonly proxyFor?: ProxyChoice;
}

/**
 * The real ports of a station: the one place that chooses adapters, for the app, the terminal and the tests alike.
 * The journal alone is handed in, so that the command line needs no native module.
 * @throws STATION_FOLDER_UNUSABLE, STATION_JOURNAL_FAILED when the journal cannot be opened
 */
export function createPorts(options: PortsOptions): StationPorts {
  const { profile, userDataDir } = options;
  const clock = systemClock;
  const random = systemRandom;
  const logger = openLog(userDataDir, options.folder ?? 'made');
  const http = createIdentityHttpClient(profile, clock, options.proxyFor);
  const journal = options.openJournal(userDataDir);
  const binaries = createAgentBinaryStore();
  return {
    ...{ clock, random, logger, journal, binaries, sha256: sha256Hex },
    connector: createDeviceConnector({
      ssh: createSshConnector({ clock, logger, ssh: profile.ssh, account: thisAccount() }),
      local: createLocalConnector({ clock, logger, environment: localEnvironment(process.env) }),
    }),
    signIn: options.signIn ?? createSignInClient({ profile, http, clock, logger }),
    tokenCache: options.tokenCache ?? tokenCacheFor(profile),
    tokenCheck: createTokenCheck({ profile, http, clock, random, logger }),
    createIdentityProvider: (_profile, tokens, onPause) =>
      createZitadelIdentityProvider({
        ...{ profile, tokens, http, clock, random, logger, onPause },
        api: 'probe',
      }),
    createHeartbeatWatch: (_profile, tokens) =>
      profile.nats === undefined
        ? undefined
        : createNatsHeartbeatWatch({
            nats: profile.nats,
            caFile: profile.identity.ca_file,
            tokens,
            clock,
            random,
            logger,
          }),
    openBrowser: (url) => options.openBrowser(url),
    close: async () => {
      await binaries.close();
      journal.close();
      http.close();
      logger.close();
    },
  };
}

function openLog(userDataDir: string, folder: 'made' | 'as-it-is'): StationLogger {
  const clock = systemClock;
  if (folder === 'as-it-is' && !existsSync(userDataDir)) return createLogger({ clock });
  try {
    mkdirSync(userDataDir, { recursive: true, mode: 0o700 });
    const file = path.join(userDataDir, 'log', 'station.jsonl');
    return createLogger({ clock, file: { path: file, maxBytes: LOG_LIMIT_BYTES } });
  } catch (cause) {
    if (folder === 'as-it-is') return createLogger({ clock });
    throw new EnrollmentError('STATION_FOLDER_UNUSABLE', {
      details: { path: userDataDir },
      ...{ subject: userDataDir, evidence: describeThrown(cause), cause },
    });
  }
}

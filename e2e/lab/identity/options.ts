import { z } from 'zod';
import type { Faults } from './faults.ts';
import type { RsaPair } from './rsa-keys.ts';
import { collections, type SearchLag } from './store.ts';
import type { Quirks } from './world.ts';

/** What a lab identity provider can be started with. Everything but `signal` has a default. */
export interface LabIdentityOptions {
  /** Address to listen on; it becomes the issuer's host. Loopback unless a test owns the network. Default `127.0.0.1`. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port?: number;
  /** Where the signing key and the fixed ids are kept, so that a restarted lab is the same provider. */
  readonly dataDir?: string;
  /** Stops the provider when aborted. */
  readonly signal: AbortSignal;
  readonly faults?: Faults;
  readonly projectName?: string;
  readonly orgName?: string;
  /** Life of a device code; Zitadel's default is 300. */
  readonly deviceCodeLifetimeSeconds?: number;
  /** Polling interval told to clients; Zitadel's default is 5, the lab uses 1. */
  readonly pollIntervalSeconds?: number;
  /** Zitadel's default is 12 hours. */
  readonly accessTokenLifetimeSeconds?: number;
  /** How far searches lag behind writes; Zitadel's projections do, by some milliseconds to seconds. */
  readonly searchLagMs?: SearchLag;
  /** Time every request takes before it is looked at. */
  readonly latencyMs?: number;
  /** Which APIs this server has: a Zitadel of today has both, an old one only v1. */
  readonly apiGenerations?: readonly ApiGeneration[];
  readonly quirks?: Partial<Quirks>;
  /** Serves https with this key and certificate, both PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /**
   * The issuer, where it is not the address listened on: a name in front of a proxy, an external port. The
   * provider then knows itself by this name alone, and a client has to bring it in `Host` or
   * `x-zitadel-instance-host`.
   */
  readonly externalOrigin?: string;
  /** What a dead refresh token is called; by its source a Zitadel of today says `invalid_request`. */
  readonly deadRefreshToken?: 'invalid_grant' | 'invalid_request';
  /** A Zitadel nobody has set up: organisation and instance owner, no project, role or application. */
  readonly bare?: boolean;
  /** RSA pairs made ahead of need, `control.keysReady()` waits for them. 0 makes every pair on demand. */
  readonly keyPoolSize?: number;
  /** Where RSA pairs come from; a new one is made every time by default, which takes a tenth of a second or more. */
  readonly makeKeyPair?: () => Promise<RsaPair>;
}

/** `v2-users-only` is a server before v4.6: users and organisations in v2, the rest not yet. */
export type ApiGeneration = 'v1' | 'v2' | 'v2-users-only';

const lagMs = z.number().min(0).max(60_000);
const quirk = z.boolean().default(false);

const optionsSchema = z.object({
  host: z
    .union([z.enum(['localhost', '[::1]']), z.ipv4().refine((address) => address !== '0.0.0.0')])
    .default('127.0.0.1'),
  port: z.int().min(0).max(65535).default(0),
  dataDir: z.string().min(1).optional(),
  projectName: z.string().min(1).max(200).default('muster-fleet'),
  orgName: z.string().min(1).max(200).default('Muster Lab'),
  deviceCodeLifetimeSeconds: z.int().min(1).max(86_400).default(300),
  pollIntervalSeconds: z.int().min(1).max(60).default(5),
  accessTokenLifetimeSeconds: z.int().min(1).max(86_400).default(43_200),
  searchLagMs: z.union([lagMs, z.partialRecord(z.enum(collections), lagMs)]).default(20),
  latencyMs: z.number().min(0).max(60_000).default(0),
  apiGenerations: z.array(z.enum(['v1', 'v2', 'v2-users-only'])).default(['v1', 'v2']),
  quirks: z
    .object({
      ignorePublicKeys: quirk,
      registeredKeysCannotLogIn: quirk,
      userLoginMustBeDomain: quirk,
      clientIdsNameTheProject: quirk,
    })
    .prefault({}),
  tls: z.object({ key: z.string().min(1), cert: z.string().min(1) }).optional(),
  externalOrigin: z
    .url({ protocol: /^https?$/ })
    .refine((url) => new URL(url).origin === url, 'an origin has no path')
    .optional(),
  deadRefreshToken: z.enum(['invalid_grant', 'invalid_request']).default('invalid_request'),
  bare: z.boolean().default(false),
  keyPoolSize: z.int().min(0).max(1000).default(2),
});

export type LabIdentitySettings = z.output<typeof optionsSchema>;

/** The options with every default filled in. @throws when a value is out of range. */
export function parseOptions(options: LabIdentityOptions): LabIdentitySettings {
  return optionsSchema.parse(options);
}

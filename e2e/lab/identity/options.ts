import { z } from 'zod';
import type { Faults } from './faults.ts';

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
  readonly searchLagMs?: number;
  /** RSA pairs made ahead of need. 0 makes every pair on demand. */
  readonly keyPoolSize?: number;
}

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
  searchLagMs: z.number().min(0).max(60_000).default(20),
  keyPoolSize: z.int().min(0).max(32).default(2),
});

export type LabIdentitySettings = z.output<typeof optionsSchema>;

/** The options with every default filled in. @throws when a value is out of range. */
export function parseOptions(options: LabIdentityOptions): LabIdentitySettings {
  return optionsSchema.parse(options);
}

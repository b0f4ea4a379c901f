import { z } from 'zod';
import { parseDeviceId } from './device-id.ts';
import { architectures } from './facts.ts';
import { parseTarget } from './target.ts';

const httpUrl = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !/[?#]/.test(text), 'has no query or fragment');
const natsUrl = z.url({ protocol: /^(nats|tls)$/ });
const numericOrOpaqueId = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x21-\x7e]+$/, 'has no spaces');
const hostName = z
  .string()
  .regex(/^(?!\d+(\.\d+){3}$)[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'is a host name in lower case');
/** `192.0.2.7:8443` or `[2001:db8::7]:8443`. */
const addressAndPort = z
  .string()
  .refine((text) => parseAddressAndPort(text) !== undefined, 'is an IP address and a port');
const labelName = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/, 'is a short name');
const labelValue = z.string().max(256);

const deviceId = z.string().superRefine((text, context) => {
  const result = parseDeviceId(text);
  if (!result.ok) context.addIssue({ code: 'custom', message: result.problem.says });
});

const target = z.string().superRefine((text, context) => {
  const result = parseTarget(text);
  if (!result.ok) context.addIssue({ code: 'custom', message: result.says });
});

const jumpHost = target.refine((text) => !/^local(:\/\/)?$/.test(text), 'is a host, not this computer');

/** What is done with a remembered sign-in: used, neither read nor written, or renewed before it is used. */
export const tokenPolicies = ['default', 'no-cache', 'refresh'] as const;
export type TokenPolicy = (typeof tokenPolicies)[number];

/** Which host keys are trusted: what a device shows at first contact, or only what is known beforehand. */
export const hostKeyPolicies = ['pin', 'known'] as const;

/** How the station logs in on devices, and which host keys it trusts. */
const sshSchema = z.strictObject({
  user: z.string().min(1).max(64).default('pi'),
  private_key_file: z.string().min(1).optional(),
  agent: z.boolean().default(false),
  /** Jump hosts in order, the one next to the station first. */
  jump: z.array(jumpHost).min(1).max(4).optional(),
  config_file: z.string().min(1).optional(),
  host_keys: z.enum(hostKeyPolicies).default('pin'),
  known_hosts_file: z.string().min(1).optional(),
});

const labels = z.record(labelName, labelValue);

/** A device that is expected on this bench: a fixed socket of the line, or a known board. */
const benchEntrySchema = z.strictObject({
  device_id: deviceId,
  target,
  /** Beside the labels of the profile, and before them where a name is in both. */
  labels: labels.optional(),
});

/**
 * A profile: where a fleet lives and how its devices are reached. Read from TOML; file names inside it are
 * relative to the profile file.
 */
export const profileSchema = z.strictObject({
  name: z.string().min(1).max(60),
  identity: z.strictObject({
    issuer: httpUrl,
    client_id: numericOrOpaqueId,
    project_id: numericOrOpaqueId,
    org_id: numericOrOpaqueId.optional(),
    device_role: z.string().min(1).max(200).default('device'),
    /** Where device keys are made: on the device, where it and the provider can; else by the provider. */
    key_birth: z.enum(['device', 'provider']).default('device'),
    key_valid_for_days: z.number().int().min(1).max(3650).optional(),
    ca_file: z.string().min(1).optional(),
    danger_accept_invalid_certs: z.boolean().default(false),
    resolve: z.record(hostName, addressAndPort).optional(),
    token_cache: z.enum(tokenPolicies).default('default'),
    token_file: z.string().min(1).optional(),
  }),
  nats: z
    .strictObject({
      urls: z.array(natsUrl).min(1).max(20),
      bucket: z
        .string()
        .regex(/^[A-Za-z0-9_-]+$/)
        .default('fleet-device-info'),
      /** Addresses the devices use when they differ from the station's. */
      device_urls: z.array(natsUrl).min(1).max(20).optional(),
      heartbeat_limit_seconds: z.number().int().min(5).max(3600).default(90),
    })
    .optional(),
  ssh: sshSchema.prefault({}),
  agent: z.strictObject({
    binaries: z.partialRecord(z.enum(architectures), z.string().min(1)),
  }),
  batch: z
    .strictObject({ concurrency: z.number().int().min(1).max(64).default(8) })
    .default({ concurrency: 8 }),
  labels: labels.default({}),
  bench: z.array(benchEntrySchema).max(2000).default([]),
});

export type Profile = z.infer<typeof profileSchema>;
export type BenchEntry = z.infer<typeof benchEntrySchema>;

/** An IP address and a port, taken apart; undefined for anything else. */
export function parseAddressAndPort(
  text: string,
): { readonly address: string; readonly port: number } | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (found === null) return undefined;
  const [, v6, v4, digits] = found;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (v6 !== undefined) return z.ipv6().safeParse(v6).success ? { address: v6, port } : undefined;
  return v4 !== undefined && z.ipv4().safeParse(v4).success ? { address: v4, port } : undefined;
}

/** True for hosts that never leave this computer, where plain http shows nothing to anybody else. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * What forbids using this `identity.issuer`, or undefined. Plain http would show the token to the network; it is
 * accepted on loopback, and elsewhere only where the profile accepts invalid certificates anyway.
 */
export function issuerProblem(identity: Profile['identity']): string | undefined {
  const url = new URL(identity.issuer);
  if (url.protocol === 'https:' || isLoopbackHost(url.hostname) || identity.danger_accept_invalid_certs)
    return undefined;
  return 'plain http shows the sign-in to the network. Use https.';
}

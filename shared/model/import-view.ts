import { z } from 'zod';

/** A client config of the fleet's older tooling as the window shows it before anything is written. */

/** Largest file, in bytes and in characters. A fleet of 10,000 devices has about 900 kB. */
export const MAX_CLIENT_CONFIG_LENGTH = 1_048_576;

const named = z.object({ name: z.string(), id: z.string() });

export const importViewSchema = z.object({
  fileName: z.string(),
  issuer: z.string().optional(),
  organisationId: z.string().optional(),
  projects: z.array(named),
  /** Applications, with their client ids. */
  apps: z.array(named),
  /** What is left out: `1,204 machine users`, and why that is right. */
  ignored: z.array(z.object({ what: z.string(), why: z.string() })),
});
export type ImportView = z.infer<typeof importViewSchema>;

/** What the profile is made of, beside the file. */
export const importChoiceSchema = z.object({
  issuer: z.string().max(300),
  project: z.string().max(300),
  app: z.string().max(300),
  organisationId: z.string().max(200),
  natsUrls: z.array(z.string().max(300)).max(16),
  caFile: z.string().max(4096),
  acceptInvalidCertificates: z.boolean(),
});
export type ImportChoice = z.infer<typeof importChoiceSchema>;

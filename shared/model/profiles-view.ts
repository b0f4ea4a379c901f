import { z } from 'zod';
import { errorViewSchema } from './station-state.ts';

/** The profiles this station knows, as the window shows them. Nothing in here is a secret. */

/** Names a profile in a request: the path itself never comes from the window. */
export const profileIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

export const knownProfileSchema = z.object({
  id: profileIdSchema,
  /** As the file says now; as it said when it was opened last, where it cannot be read any more. */
  name: z.string(),
  issuer: z.string().optional(),
  path: z.string(),
  /** The station works with this one. */
  open: z.boolean(),
  /** Whether it can be taken off the list. What the command line named is on it for this run only. */
  kept: z.boolean(),
  /** Why it cannot be opened. */
  error: errorViewSchema.optional(),
});
export type KnownProfile = z.infer<typeof knownProfileSchema>;

export const profilesViewSchema = z.object({ profiles: z.array(knownProfileSchema) });
export type ProfilesView = z.infer<typeof profilesViewSchema>;

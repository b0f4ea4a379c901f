import { z } from 'zod';

/**
 * The client config: which ids a set-up ended with, by name. The members `apps`, `projects`, `machine_user_ids` and
 * `user_grants` are those of the fleet's older tooling, which goes on reading the file; it ignores the others.
 */
const id = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x21-\x7e]+$/, 'is not an id');
const ids = z.record(z.string().min(1).max(300), id);

export const clientConfigSchema = z.looseObject({
  issuer: z.url({ protocol: /^https?$/ }).optional(),
  org_id: id.optional(),
  /** Client id by name of the application. */
  apps: ids,
  projects: ids,
  machine_user_ids: ids.default({}),
  user_grants: ids.default({}),
});

export type ClientConfig = z.infer<typeof clientConfigSchema>;

export type ReadClientConfig =
  | { readonly ok: true; readonly config: ClientConfig }
  | { readonly ok: false; readonly problem: string };

/** A client config out of its text, or what is wrong with it as the end of a sentence. */
export function readClientConfig(text: string): ReadClientConfig {
  let content: unknown;
  try {
    // Editors of some systems put a mark before the first character.
    content = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    return { ok: false, problem: `it is not JSON (${thrown instanceof Error ? thrown.message : 'odd'})` };
  }
  const parsed = clientConfigSchema.safeParse(content);
  if (parsed.success) return { ok: true, config: parsed.data };
  const [issue] = parsed.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.join('.');
  return { ok: false, problem: `${place}: ${issue?.message ?? 'is not a client config'}` };
}

/** The file: members in a fixed order and names sorted, so that the same set-up gives the same bytes. */
export function writeClientConfig(config: ClientConfig): string {
  const { issuer, org_id, apps, projects, machine_user_ids, user_grants, ...others } = config;
  const ordered = {
    ...{ issuer, org_id, projects: sorted(projects), apps: sorted(apps) },
    ...{ machine_user_ids: sorted(machine_user_ids), user_grants: sorted(user_grants) },
    ...sorted(others),
  };
  return `${JSON.stringify(ordered, undefined, 2)}\n`;
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1)));
}

import { z } from 'zod';

/**
 * Zitadel's management API, version 1, as far as the station uses it. The gateway leaves out zero values, so
 * an empty list, `false` and the first value of an enum are missing in replies.
 */

/** How the station may repeat a call that may not have arrived. */
export type Repeat = 'safe' | 'only-when-refused';

/** Where things are made. The first generation learns it from a header, the second from the message. */
export interface Place {
  readonly orgId: string | undefined;
}

/** One endpoint: what it takes and what it answers. */
export interface Endpoint<Input, Reply> {
  /** Completes "The identity provider did not …" and "This account may not …". */
  readonly action: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the issuer, without a leading slash. */
  readonly path: (input: Input) => string;
  readonly body: (input: Input, place: Place) => unknown;
  readonly reply: z.ZodType<Reply>;
  readonly repeat: Repeat;
  /** A reply with a secret in it never becomes evidence. */
  readonly secretReply?: boolean;
}

/** An endpoint of the management API; its path is given without the API's own part. */
export function endpoint<Input, Reply>(definition: Endpoint<Input, Reply>): Endpoint<Input, Reply> {
  return { ...definition, path: (input) => `management/v1/${definition.path(input)}` };
}

export const id = z.string().min(1).max(200);
export const anything = z.looseObject({});
export const segment = encodeURIComponent;
export const noBody = () => undefined;

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.looseObject({ result: z.array(item).default([]) });
}

/** A page of a search. */
export interface Page {
  readonly offset: number;
  readonly limit: number;
}

export function pageQuery({ offset, limit }: Page) {
  return { offset: String(offset), limit, asc: true };
}

export const ONE_PAGE: Page = { offset: 0, limit: 100 };

const project = z.looseObject({
  ...{ id, name: z.string().default('') },
  /** The second generation tells it. */
  orgId: z.string().optional(),
});
const machine = z.looseObject({
  name: z.string().default(''),
  description: z.string().default(''),
  /** The first value of the enum is the opaque token; it is left out. */
  accessTokenType: z.string().default('ACCESS_TOKEN_TYPE_BEARER'),
});
const user = z.looseObject({ id, userName: z.string().default(''), machine: machine.optional() });
const grant = z.looseObject({
  id,
  userId: z.string().default(''),
  projectId: z.string().default(''),
  projectGrantId: z.string().default(''),
  roleKeys: z.array(z.string()).default([]),
});
/** The second API tells the creation beside the expiry, the first among the details. */
const key = z.looseObject({
  ...{ id, expirationDate: z.string().optional(), creationDate: z.string().optional() },
  details: z.looseObject({ creationDate: z.string().optional() }).optional(),
});

export type ProjectReply = z.infer<typeof project>;
export type UserReply = z.infer<typeof user>;
export type GrantReply = z.infer<typeof grant>;
export type KeyReply = z.infer<typeof key>;

export interface MachineFields {
  readonly name: string;
  readonly description: string;
  readonly accessTokenType: 'ACCESS_TOKEN_TYPE_JWT';
}

export const endpoints = {
  searchProjects: endpoint({
    action: 'list projects',
    method: 'POST',
    path: () => 'projects/_search',
    body: (page: Page) => ({ query: pageQuery(page) }),
    reply: listOf(project),
    repeat: 'safe',
  }),
  /** Whatever organisation they are of, where the generation can tell. */
  searchProjectsAnywhere: endpoint({
    action: 'list projects',
    method: 'POST',
    path: () => 'projects/_search',
    body: (page: Page) => ({ query: pageQuery(page) }),
    reply: listOf(project),
    repeat: 'safe',
  }),
  searchUsers: endpoint({
    action: 'look for machine users',
    method: 'POST',
    path: () => 'users/_search',
    body: ({ userName }: { userName: string }) => ({
      query: pageQuery(ONE_PAGE),
      queries: [{ userNameQuery: { userName, method: 'TEXT_QUERY_METHOD_EQUALS' } }],
    }),
    reply: listOf(user),
    repeat: 'safe',
  }),
  createMachineUser: endpoint({
    action: 'create machine users',
    method: 'POST',
    path: () => 'users/machine',
    body: (fields: MachineFields & { userName: string }) => fields,
    reply: z.looseObject({ userId: id }),
    repeat: 'safe',
  }),
  updateMachineUser: endpoint({
    action: 'change machine users',
    method: 'PUT',
    path: ({ userId }: { userId: string }) => `users/${segment(userId)}/machine`,
    body: ({ fields }: { userId: string; fields: MachineFields }) => fields,
    reply: anything,
    repeat: 'safe',
  }),
  deleteUser: endpoint({
    action: 'delete machine users',
    method: 'DELETE',
    path: ({ userId }: { userId: string }) => `users/${segment(userId)}`,
    body: noBody,
    reply: anything,
    repeat: 'safe',
  }),
  searchGrants: endpoint({
    action: 'look for grants',
    method: 'POST',
    path: () => 'users/grants/_search',
    body: ({ userId, projectId }: { userId: string; projectId: string }) => ({
      query: pageQuery(ONE_PAGE),
      queries: [{ userIdQuery: { userId } }, { projectIdQuery: { projectId } }],
    }),
    reply: listOf(grant),
    repeat: 'safe',
  }),
  createGrant: endpoint({
    action: 'grant roles',
    method: 'POST',
    path: ({ userId }: { userId: string }) => `users/${segment(userId)}/grants`,
    body: ({ projectId, roleKeys }: { userId: string; projectId: string; roleKeys: readonly string[] }) => ({
      projectId,
      roleKeys,
    }),
    reply: z.looseObject({ userGrantId: id }),
    repeat: 'safe',
  }),
  updateGrant: endpoint({
    action: 'change grants',
    method: 'PUT',
    path: ({ userId, grantId }: { userId: string; grantId: string }) =>
      `users/${segment(userId)}/grants/${segment(grantId)}`,
    body: ({ roleKeys }: { userId: string; grantId: string; roleKeys: readonly string[] }) => ({ roleKeys }),
    reply: anything,
    repeat: 'safe',
  }),
  searchKeys: endpoint({
    action: 'list keys',
    method: 'POST',
    path: ({ userId }: { userId: string; page: Page }) => `users/${segment(userId)}/keys/_search`,
    body: ({ page }: { userId: string; page: Page }) => ({ query: pageQuery(page) }),
    reply: listOf(key),
    repeat: 'safe',
  }),
  mintKey: endpoint({
    action: 'create keys',
    method: 'POST',
    path: ({ userId }: { userId: string; expirationDate: string | undefined }) =>
      `users/${segment(userId)}/keys`,
    body: ({ expirationDate }: { userId: string; expirationDate: string | undefined }) => ({
      type: 'KEY_TYPE_JSON',
      ...(expirationDate === undefined ? {} : { expirationDate }),
    }),
    reply: z.looseObject({ keyId: id, keyDetails: z.base64().min(1).max(65_536) }),
    repeat: 'only-when-refused',
    secretReply: true,
  }),
  registerKey: endpoint({
    action: 'register keys',
    method: 'POST',
    path: ({ userId }: { userId: string; expirationDate: string; publicKey: string }) =>
      `users/${segment(userId)}/keys`,
    body: ({ expirationDate, publicKey }: { userId: string; expirationDate: string; publicKey: string }) => ({
      type: 'KEY_TYPE_JSON',
      expirationDate,
      publicKey,
    }),
    // A server that does not know the field ignores it and answers with a key pair of its own.
    reply: z.looseObject({ keyId: id, keyDetails: z.string().max(65_536).default('') }),
    repeat: 'only-when-refused',
    secretReply: true,
  }),
  deleteKey: endpoint({
    action: 'delete keys',
    method: 'DELETE',
    path: ({ userId, keyId }: { userId: string; keyId: string }) =>
      `users/${segment(userId)}/keys/${segment(keyId)}`,
    body: noBody,
    reply: anything,
    repeat: 'safe',
  }),
} as const;

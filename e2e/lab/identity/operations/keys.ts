import { randomBytes } from 'node:crypto';
import { ApiError } from '../api-error.ts';
import type { App, AppKey, MachineKey, Pat, User } from '../model.ts';
import { readPublicKeyField } from '../rsa-keys.ts';
import type { World } from '../world.ts';

const farFuture = Date.parse('9999-12-31T23:59:59Z');

/** Milliseconds since the epoch; the far future when no date was given. @throws {ApiError} 400 for the past. */
export function expiryOf(expirationDate: string | null | undefined): number {
  const expiresAt = expirationDate == null ? farFuture : Date.parse(expirationDate);
  if (expiresAt <= Date.now()) throw new ApiError(3, 'Errors.AuthNKey.ExpireBeforeNow', 'DOMAIN-dv3t5');
  return expiresAt;
}

function secretFile(fields: Readonly<Record<string, unknown>>, expiresAt: number): string {
  // Go's way of writing a time: no zeros at the end of the fraction.
  const expirationDate = new Date(expiresAt).toISOString().replace(/\.?0+Z$/, 'Z');
  const whole = { ...fields, expirationDate };
  return Buffer.from(JSON.stringify(whole)).toString('base64');
}

export interface KeyRequest {
  readonly expiresAt: number;
  /** Base64 of an SPKI PEM; empty to have a pair made. */
  readonly publicKey: string;
}

/**
 * Mints a pair for a machine user, or registers the caller's public key, in which case there is no file to give.
 * The user is looked up after the pair was made: it may have been deleted meanwhile.
 */
export async function addMachineKey(
  world: World,
  request: KeyRequest,
  lookUp: () => User | undefined,
): Promise<{ readonly key: MachineKey; readonly file: string | undefined }> {
  const { store, quirks } = world;
  const publicKey = quirks.ignorePublicKeys ? '' : request.publicKey;
  const registered = publicKey === '' ? undefined : readPublicKeyField(publicKey);
  if (publicKey !== '' && registered === undefined) {
    throw new ApiError(3, 'Errors.User.Machine.Key.Invalid', 'COMMAND-5F3h1');
  }
  const pair = registered === undefined ? await world.keyPool.take() : undefined;
  const user = lookUp();
  if (user?.machine === undefined) throw new ApiError(9, 'Errors.User.NotFound', 'COMMAND-bnipwm1');
  const key: MachineKey = {
    id: world.nextId(),
    orgId: user.orgId,
    userId: user.id,
    publicPem: registered ?? pair?.publicPem ?? '',
    origin: registered === undefined ? 'minted' : 'registered',
    expiresAt: request.expiresAt,
    lastUsedAt: undefined,
    ...store.born(),
  };
  store.keys.set(key.id, key);
  store.count(`key.${key.origin}`);
  const fields = { type: 'serviceaccount', keyId: key.id, key: pair?.privatePem, userId: user.id };
  return { key, file: pair === undefined ? undefined : secretFile(fields, key.expiresAt) };
}

/** Mints a pair for an application. */
export async function addAppKey(
  world: World,
  expiresAt: number,
  lookUp: () => App,
): Promise<{ readonly key: AppKey; readonly file: string }> {
  const pair = await world.keyPool.take();
  const app = lookUp();
  const key: AppKey = {
    id: world.nextId(),
    orgId: app.orgId,
    appId: app.id,
    projectId: app.projectId,
    clientId: app.clientId,
    publicPem: pair.publicPem,
    expiresAt,
    ...world.store.born(),
  };
  world.store.appKeys.set(key.id, key);
  world.store.count('app-key.minted');
  const fields = { type: 'application', keyId: key.id, key: pair.privatePem, appId: app.id };
  return { key, file: secretFile({ ...fields, clientId: app.clientId }, expiresAt) };
}

export function addPat(world: World, user: User, expiresAt: number): Pat {
  const pat: Pat = {
    id: world.nextId(),
    orgId: user.orgId,
    userId: user.id,
    token: randomBytes(53).toString('base64url'),
    expiresAt,
    lastUsedAt: undefined,
    ...world.store.born(),
  };
  world.store.pats.set(pat.id, pat);
  world.store.count('pat.created');
  return pat;
}

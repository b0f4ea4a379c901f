import { z } from 'zod';
import { readPublicKeyField } from '../rsa-keys.ts';
import type { MachineKey } from '../store.ts';
import { ApiError, apiErrors } from './api-error.ts';
import { readBody, text } from './gateway-json.ts';
import { keyMessage, listMessage, objectDetails } from './messages.ts';
import type { Route, RouteContext } from './routes.ts';
import { search } from './search.ts';

const farFuture = Date.parse('9999-12-31T23:59:59Z');

const keyBody = z.object({
  type: z.literal('KEY_TYPE_JSON'),
  expirationDate: z.iso.datetime({ offset: true }).nullish(),
  publicKey: text(20_000),
});

/** Mints a pair, or registers the caller's public key, in which case there are no `keyDetails` to give. */
async function addKey(context: RouteContext): Promise<unknown> {
  const { store } = context;
  const asked = readBody(context.body, keyBody);
  const expiresAt = asked.expirationDate == null ? farFuture : Date.parse(asked.expirationDate);
  if (expiresAt <= Date.now()) throw new ApiError(3, 'Errors.AuthNKey.ExpireBeforeNow', 'DOMAIN-dv3t5');
  const registered = asked.publicKey === '' ? undefined : readPublicKeyField(asked.publicKey);
  if (asked.publicKey !== '' && registered === undefined) {
    throw new ApiError(3, 'Errors.User.Machine.Key.Invalid', 'COMMAND-5F3h1');
  }
  const pair = registered === undefined ? await context.keyPool.take() : undefined;
  // Looked up after the key was made: the user may have been deleted meanwhile.
  const user = store.live(store.users, context.param('userId'));
  if (user?.machine === undefined) throw new ApiError(9, 'Errors.User.NotFound', 'COMMAND-bnipwm1');
  const key: MachineKey = {
    id: context.nextId(),
    userId: user.id,
    publicPem: registered ?? pair?.publicPem ?? '',
    origin: registered === undefined ? 'minted' : 'registered',
    expiresAt,
    lastUsedAt: undefined,
    ...store.born(),
  };
  store.keys.set(key.id, key);
  store.count(`key.${key.origin}`);
  const keyDetails =
    pair === undefined
      ? undefined
      : Buffer.from(
          JSON.stringify({
            type: 'serviceaccount',
            keyId: key.id,
            key: pair.privatePem,
            expirationDate: new Date(expiresAt).toISOString(),
            userId: user.id,
          }),
        ).toString('base64');
  return { keyId: key.id, keyDetails, details: objectDetails(store, key) };
}

export const keyRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/management/v1/users/{userId}/keys',
    permission: 'user.write',
    handle: addKey,
  },
  {
    method: 'POST',
    path: '/management/v1/users/{userId}/keys/_search',
    permission: 'user.read',
    handle: (context) => {
      const { store } = context;
      const userId = context.param('userId');
      const keys = store.searchable(store.keys).filter((key) => key.userId === userId);
      const found = search(keys, readBody(context.body, z.unknown()), {});
      return listMessage(
        store,
        found.total,
        found.page.map((key) => keyMessage(store, key)),
      );
    },
  },
  {
    method: 'DELETE',
    path: '/management/v1/users/{userId}/keys/{keyId}',
    permission: 'user.write',
    handle: (context) => {
      const { store } = context;
      const key = store.live(store.keys, context.param('keyId'));
      if (key === undefined || key.userId !== context.param('userId')) throw apiErrors.userKeyNotFound();
      store.bury(key);
      store.count('key.deleted');
      return { details: objectDetails(store, key) };
    },
  },
];

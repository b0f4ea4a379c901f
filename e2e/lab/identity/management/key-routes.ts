import { z } from 'zod';
import { apiErrors } from '../api-error.ts';
import type { MachineKey, Pat } from '../model.ts';
import { addMachineKey, addPat, expiryOf } from '../operations/keys.ts';
import { findUser } from '../operations/users.ts';
import { readBody, text } from './gateway-json.ts';
import { detailsOf, keyMessage, listMessage, patMessage } from './messages.ts';
import type { Route, RouteContext } from './routes.ts';
import { search } from './search.ts';

const expirationDate = z.iso.datetime({ offset: true }).nullish();
const keyBody = z.object({ type: z.literal('KEY_TYPE_JSON'), expirationDate, publicKey: text(20_000) });
const patBody = z.object({ expirationDate });

const keys = '/management/v1/users/{userId}/keys';
const pats = '/management/v1/users/{userId}/pats';

/** Tells what belongs to the user of the path, and to the organisation of the call: elsewhere it is as if it were not there. */
function isOwnedBy({
  orgId,
  param,
}: RouteContext): (one: Pick<MachineKey | Pat, 'orgId' | 'userId'>) => boolean {
  const userId = param('userId');
  return (one) => one.orgId === orgId && one.userId === userId;
}

function keyOf(context: RouteContext): MachineKey {
  const { store } = context.world;
  const key = store.live(store.keys, context.param('keyId'));
  if (key === undefined || !isOwnedBy(context)(key)) throw apiErrors.userKeyNotFound();
  return key;
}

function patOf(context: RouteContext): Pat {
  const { store } = context.world;
  const pat = store.live(store.pats, context.param('tokenId'));
  if (pat === undefined || !isOwnedBy(context)(pat)) throw apiErrors.patNotFound();
  return pat;
}

export const keyRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: `${keys}/_search`,
    permission: 'user.read',
    handle: (context) => {
      const { store } = context.world;
      const own = store.searchable('keys', store.keys).filter(isOwnedBy(context));
      const found = search(own, readBody(context.body, z.unknown()), {});
      return listMessage(store, found.total, found.page.map(keyMessage));
    },
  },
  {
    method: 'POST',
    path: keys,
    permission: 'user.write',
    handle: async (context) => {
      const { world, orgId, body } = context;
      const asked = readBody(body, keyBody);
      const request = { publicKey: asked.publicKey, expiresAt: expiryOf(asked.expirationDate) };
      const userId = context.param('userId');
      const { key, file } = await addMachineKey(world, request, () => findUser(world, orgId, userId));
      return { keyId: key.id, keyDetails: file, details: detailsOf(key) };
    },
  },
  {
    method: 'GET',
    path: `${keys}/{keyId}`,
    permission: 'user.read',
    handle: (context) => ({ key: keyMessage(keyOf(context)) }),
  },
  {
    method: 'DELETE',
    path: `${keys}/{keyId}`,
    permission: 'user.write',
    handle: (context) => {
      const key = keyOf(context);
      context.world.store.bury(key);
      context.world.store.count('key.deleted');
      return { details: detailsOf(key) };
    },
  },
  {
    method: 'POST',
    path: `${pats}/_search`,
    permission: 'user.read',
    handle: (context) => {
      const { store } = context.world;
      const own = store.searchable('pats', store.pats).filter(isOwnedBy(context));
      const found = search(own, readBody(context.body, z.unknown()), {});
      return listMessage(store, found.total, found.page.map(patMessage));
    },
  },
  {
    method: 'POST',
    path: pats,
    permission: 'user.write',
    handle: (context) => {
      const { world, orgId, body } = context;
      const expiresAt = expiryOf(readBody(body, patBody).expirationDate);
      const user = findUser(world, orgId, context.param('userId'));
      if (user?.machine === undefined) throw apiErrors.userNotFound('COMMAND-Dggw2');
      const pat = addPat(world, user, expiresAt);
      return { tokenId: pat.id, token: pat.token, details: detailsOf(pat) };
    },
  },
  {
    method: 'GET',
    path: `${pats}/{tokenId}`,
    permission: 'user.read',
    handle: (context) => ({ token: patMessage(patOf(context)) }),
  },
  {
    method: 'DELETE',
    path: `${pats}/{tokenId}`,
    permission: 'user.write',
    handle: (context) => {
      const pat = patOf(context);
      context.world.store.bury(pat);
      context.world.store.count('pat.deleted');
      return { details: detailsOf(pat) };
    },
  },
];

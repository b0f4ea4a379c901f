import { permissionsOfRole } from '../people.ts';
import { userMessage } from './messages.ts';
import type { Route } from './routes.ts';

/** What callers may ask about themselves; a valid token is enough. */
export const ownRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/auth/v1/users/me',
    permission: undefined,
    handle: ({ store, caller }) => ({ user: userMessage(store, caller) }),
  },
  {
    method: 'POST',
    path: '/auth/v1/permissions/zitadel/me/_search',
    permission: undefined,
    handle: ({ caller }) => ({
      result: caller.managerRole === undefined ? [] : permissionsOfRole[caller.managerRole],
    }),
  },
];

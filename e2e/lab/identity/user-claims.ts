import type { User } from './model.ts';

export const userClaims = ['name', 'preferred_username', 'email', 'email_verified'] as const;

/** Claims of a user for the userinfo endpoint, as far as the scopes reach. */
export function claimsOfUser(user: User, scopes: ReadonlySet<string>): Record<string, unknown> {
  return {
    sub: user.id,
    ...(scopes.has('profile')
      ? { name: user.human?.displayName ?? user.machine?.name, preferred_username: user.loginName }
      : {}),
    ...(scopes.has('email') && user.human !== undefined
      ? { email: user.loginName, email_verified: true }
      : {}),
  };
}

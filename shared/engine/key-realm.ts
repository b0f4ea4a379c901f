import type { Profile } from '../model/profile.ts';
import type { KeyIntent, KeyRealm } from './ports.ts';

/** Where the keys of a profile's devices live. */
export function keyRealmOf({ identity }: Pick<Profile, 'identity'>): KeyRealm {
  return { issuer: identity.issuer, projectId: identity.project_id };
}

/** Whether an intent is of this realm; one that notes no project may be of any of its issuer. */
export function isOfRealm(
  intent: Pick<KeyIntent, 'issuer' | 'projectId'>,
  { issuer, projectId }: KeyRealm,
): boolean {
  return intent.issuer === issuer && (intent.projectId === undefined || intent.projectId === projectId);
}

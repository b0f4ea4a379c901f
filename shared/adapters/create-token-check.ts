import { type AccessTokenSource, type TokenCheck, UNKNOWN_END } from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import { discoverProvider } from './oidc/discovery.ts';
import { endOfToken, expiryNote, problemOfToken, subjectOfToken } from './oidc/token-claims.ts';
import { createZitadelIdentityProvider, type ZitadelOptions } from './zitadel/identity-provider.ts';
import { missingRights, ownAccount } from './zitadel/own-account.ts';
import { createZitadelCaller } from './zitadel/zitadel-caller.ts';

/** What an account needs to enroll and rotate. */
const rightsToEnroll = [
  'project.read',
  'user.read',
  'user.write',
  'user.grant.read',
  'user.grant.write',
] as const;
/** Besides, to decommission: without it the keys are gone and the account stays. The grant goes with the account. */
const RIGHT_TO_DELETE = 'user.delete';

/** Where the operator has put the token. */
const FIELD = 'the field Access token';
const PRINTED = /^[\x21-\x7e]+$/;

/** Asks Zitadel whose token it is, of which organisation, and whether it may enroll into the fleet of the profile. */
export function createTokenCheck(options: Omit<ZitadelOptions, 'tokens' | 'api'>): TokenCheck {
  const { profile, http, clock } = options;
  const { identity } = profile;

  function requireUsable(token: Secret): void {
    const problem = PRINTED.test(token.reveal())
      ? problemOfToken(token, identity.issuer, clock.nowMs())
      : 'has characters in it that no token has';
    if (problem === undefined) return;
    throw new EnrollmentError('IDENTITY_TOKEN_UNUSABLE', {
      details: { variable: FIELD, problem },
      subject: identity.issuer,
    });
  }

  /** The token as it is: nobody renews one that was refused. */
  function asItIs(token: Secret): AccessTokenSource {
    return {
      accessToken: async (_signal, rejected) => {
        if (rejected === undefined) return token;
        throw new EnrollmentError('IDENTITY_TOKEN_REFUSED', {
          details: { variable: FIELD },
          subject: identity.issuer,
          evidence: expiryNote(token),
        });
      },
    };
  }

  return {
    check: async (token, signal) => {
      requireUsable(token);
      // Nobody but the provider of the profile gets it.
      await discoverProvider(identity, http, signal);
      const asked = { ...options, tokens: asItIs(token), api: 'probe' } as const;
      const caller = createZitadelCaller({ ...asked, identity });
      const organisation = await caller.organisation(signal);
      const account = await ownAccount(caller, signal);
      const missing = await missingRights(caller, [...rightsToEnroll, RIGHT_TO_DELETE], signal);
      if (missing.length > 0) {
        const mayEnroll = missing.every((right) => right === RIGHT_TO_DELETE);
        throw new EnrollmentError('IDENTITY_ROLE_MISSING', {
          details: { action: mayEnroll ? 'take devices out of the fleet' : 'enroll devices' },
          subject: identity.issuer,
          evidence: `${account ?? 'The account'} of ${organisation.name} (${organisation.id}) lacks: ${missing.join(', ')}`,
        });
      }
      await createZitadelIdentityProvider(asked).requireProject(signal);
      return {
        accessToken: token,
        refreshToken: undefined,
        expiresAt: endOfToken(token) ?? UNKNOWN_END,
        subject: subjectOfToken(token) ?? account ?? '',
        account: account ?? 'an access token',
        organisation: organisation.name === '' ? organisation.id : organisation.name,
      };
    },
  };
}

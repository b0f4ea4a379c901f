import type { Remedy } from './remedy.ts';

/** The second way out of a certificate that no authority can make good. */
const ACCEPT_INVALID =
  'On a development cluster alone, identity.danger_accept_invalid_certs accepts it, in red on every screen.';

/** IDENTITY_ and NATS_: what the services of the fleet refuse or do not answer. */
export const serviceRemedies = {
  IDENTITY_NOT_SIGNED_IN: {
    title: 'Nobody is signed in',
    says: 'Sign in before you enroll.',
    cause: 'Machine users and keys are made with the rights of the person who signs in.',
    operatorDoes: 'Sign in, then retry.',
    retry: 'after-fix',
  },
  IDENTITY_CLIENT_UNKNOWN: {
    title: 'Client id is not known',
    says: 'The identity provider does not know the client id {clientId}.',
    cause:
      'Mostly the name of the app was entered instead of its numeric id, such as 371639797157987125@fleet. Or it is mistyped, the id of an API app or of a machine user, or that of another instance or domain than the issuer. Or the app or its project is switched off.',
    operatorDoes:
      'Take the numeric client id of the native app from the set-up summary and correct identity.client_id in the profile. Where it is right already, check that identity.issuer is the provider that has the app, and that app and project are active.',
    retry: 'after-fix',
  },
  IDENTITY_CLIENT_NOT_ALLOWED: {
    title: 'Client may not use device sign-in',
    says: 'The client {clientId} may not sign in with a device code.',
    cause: 'The app lacks the device-code grant.',
    operatorDoes: 'Switch on device code and refresh token for this app at the identity provider.',
    retry: 'after-fix',
  },
  IDENTITY_SIGN_IN_DENIED: {
    title: 'Sign-in was denied',
    says: 'The sign-in was denied on the page.',
    cause: 'Somebody pressed Deny, or the code was used already.',
    operatorDoes: 'Get a new code and approve it.',
    retry: 'now',
  },
  IDENTITY_CODE_EXPIRED: {
    title: 'Code has expired',
    says: 'Nobody approved the code in time.',
    cause: 'A code is valid for a few minutes only.',
    operatorDoes: 'Get a new code.',
    retry: 'now',
  },
  IDENTITY_SIGN_IN_CANCELLED: {
    title: 'Sign-in cancelled',
    says: 'The sign-in was cancelled.',
    cause: 'Cancel was pressed.',
    operatorDoes: 'Start the sign-in again when ready.',
    retry: 'now',
  },
  IDENTITY_UNREACHABLE: {
    title: 'Identity provider does not answer',
    says: 'Nothing answers at {issuer}.',
    cause: 'The network is down, or the issuer in the profile is wrong.',
    operatorDoes: 'Check the network and the issuer in the profile, then retry.',
    retry: 'now',
  },
  IDENTITY_ISSUER_MISMATCH: {
    title: 'Issuer does not match',
    says: 'The provider calls itself {actual}; the profile says {expected}.',
    cause: 'The provider is set up for another external domain or port.',
    operatorDoes: 'Use the same address in the profile and in the external domain of the provider.',
    retry: 'after-fix',
  },
  IDENTITY_CERTIFICATE_REFUSED: {
    title: 'Certificate is not trusted',
    says: 'Nobody who is trusted has signed the certificate of {issuer}.',
    cause: 'It comes from a private authority, or the server does not send the certificates in between.',
    operatorDoes: 'Name the file of the authority in the profile (identity.ca_file).',
    retry: 'after-fix',
  },
  IDENTITY_CERTIFICATE_SELF_SIGNED: {
    title: 'Certificate is self-signed',
    says: 'The certificate of {issuer} is signed by itself.',
    cause:
      'It is that of a development cluster, which was set up without an authority, or something else answers in its place.',
    operatorDoes: `Name the certificate itself as identity.ca_file in the profile, once somebody has compared it. ${ACCEPT_INVALID}`,
    retry: 'after-fix',
  },
  IDENTITY_CERTIFICATE_EXPIRED: {
    title: 'Certificate has expired',
    says: 'The certificate of {issuer} has expired.',
    cause: 'It was not renewed, or the clock of this computer is ahead.',
    operatorDoes: 'Check the clock of this computer. Have the certificate of the provider renewed.',
    retry: 'after-fix',
  },
  IDENTITY_CERTIFICATE_NOT_YET_VALID: {
    title: 'Certificate is not valid yet',
    says: 'The certificate of {issuer} is not valid yet.',
    cause: 'The clock of this computer is behind, or the certificate was made for later.',
    operatorDoes: 'Set the clock of this computer right, then retry.',
    retry: 'after-fix',
  },
  IDENTITY_CERTIFICATE_OTHER_NAME: {
    title: 'Certificate is for another name',
    says: 'The certificate at {issuer} is made for another name.',
    cause: '{problem}',
    operatorDoes:
      'Use the name of the certificate as the issuer. An address can be given in identity.resolve.',
    retry: 'after-fix',
  },
  IDENTITY_CERTIFICATE_NOT_FOR_SERVERS: {
    title: 'Certificate is not for servers',
    says: 'The certificate of {issuer} is not made for a server.',
    cause:
      "The server shows the authority's own certificate, as development clusters do, or one for another purpose.",
    operatorDoes: `Give the provider a server certificate. Keep that of the authority for identity.ca_file. ${ACCEPT_INVALID}`,
    retry: 'after-fix',
  },
  IDENTITY_TLS_TOO_OLD: {
    title: 'TLS is too old',
    says: '{issuer} speaks only TLS 1.1 or older.',
    cause: 'Muster uses TLS 1.2 and 1.3. What is older shows the sign-in to the network.',
    operatorDoes: 'Turn on TLS 1.2 at the provider, or at the proxy before it.',
    retry: 'after-fix',
  },
  IDENTITY_PROXY_REFUSED: {
    title: 'Proxy is in the way',
    says: '{problem}',
    cause: 'The proxy settings of this computer lead to {issuer} through a proxy.',
    operatorDoes: 'Check HTTPS_PROXY and NO_PROXY, or the proxy settings of the system.',
    retry: 'after-fix',
  },
  IDENTITY_SESSION_ENDED: {
    title: 'Sign-in has ended',
    says: 'The sign-in is no longer valid.',
    cause: 'It expired, or it was revoked at the identity provider.',
    operatorDoes: 'Sign in again. The devices wait.',
    retry: 'after-fix',
  },
  IDENTITY_SIGN_IN_NOT_ACCEPTED: {
    title: 'Sign-in is not accepted',
    says: '{issuer} does not let this sign-in {action}, although it has just renewed it.',
    cause:
      'The account was locked, another server answers for the API than for the sign-in, or a proxy on the way takes the token out.',
    operatorDoes:
      'To sign in again helps only with another account. Show the evidence to an admin, then retry.',
    retry: 'after-fix',
  },
  IDENTITY_NOT_REVOKED: {
    title: 'Signed out here only',
    says: 'You are signed out here. {issuer} may still accept what was left of the sign-in.',
    cause: '{problem} {left}',
    operatorDoes: 'End the sessions of {account} at the provider once it answers, or have an admin do it.',
    retry: 'after-fix',
  },
  IDENTITY_CLOCK_SKEW: {
    title: 'Clock of this computer is wrong',
    says: 'The clock of this computer is {offset} {direction} the clock of {issuer}.',
    cause: 'This computer has {here}, the identity provider has {there}. Tokens and keys are dated by both.',
    operatorDoes:
      'Set the clock of this computer {correction} by {offset}, or turn on its network time. Then retry.',
    retry: 'after-fix',
  },
  IDENTITY_TOKEN_REFUSED: {
    title: 'Token is refused',
    says: 'The identity provider does not accept the token of {variable}.',
    cause: 'It has expired, was revoked, or comes from another issuer.',
    operatorDoes: 'Put a fresh token into {variable}. It is used as it is and never renewed.',
    retry: 'after-fix',
  },
  IDENTITY_TOKEN_UNUSABLE: {
    title: 'Token cannot be used',
    says: 'The token of {variable} {problem}.',
    cause: 'It was made for another provider, or long ago, or is no token at all. It was sent nowhere.',
    operatorDoes: 'Put a fresh token of the issuer in the profile into {variable}.',
    retry: 'after-fix',
  },
  IDENTITY_AUDIENCE_INVALID: {
    title: 'Token is for another audience',
    says: 'The identity provider does not take this token for its own API: its audience is another one.',
    cause:
      'The token was issued to another application, without the audience of the API (urn:zitadel:iam:org:project:id:zitadel:aud).',
    operatorDoes:
      'Sign in by the code that Muster shows, or use a personal access token. To sign in anew with the same application changes nothing.',
    retry: 'after-fix',
  },
  IDENTITY_PROJECT_NOT_VISIBLE: {
    title: 'Project is not visible',
    says: 'This sign-in does not see the project {projectId}. It sees: {visible}.',
    cause: 'The account is signed in under another organisation than that of the project.',
    operatorDoes:
      'Set the organisation id of the project in the profile (identity.org_id), or sign in with an account of that organisation.',
    retry: 'after-fix',
  },
  IDENTITY_ORGANISATION_UNKNOWN: {
    title: 'Organisation is not known',
    says: 'The identity provider has no organisation {orgId} that this account sees.',
    cause: 'The id is mistyped, or it belongs to another identity provider.',
    operatorDoes:
      "Take the resource id from the organisation's page, or leave it out to use the account's own.",
    retry: 'after-fix',
  },
  IDENTITY_SETUP_CONFLICT: {
    title: 'A name is taken',
    says: 'The set-up cannot use {what}: {problem}.',
    cause: 'The name belongs to something that was made for another purpose.',
    operatorDoes: 'Choose another name, or remove what has this one. Nothing of it was changed.',
    retry: 'after-fix',
  },
  IDENTITY_ROLE_MISSING: {
    title: 'Account lacks the right',
    says: 'This account may not {action}.',
    cause:
      'An access token that another application obtained may lack the scope of the API. Otherwise the account has neither IAM_OWNER nor ORG_OWNER, nor a role that covers users, grants and keys.',
    operatorDoes:
      'Check the scopes first: a token from elsewhere needs urn:zitadel:iam:org:project:id:zitadel:aud, a personal access token does not. Then ask an admin for ORG_OWNER in the organisation of the fleet, for IAM_OWNER, or for a role that covers users, grants and keys.',
    retry: 'after-fix',
  },
  IDENTITY_REPLY_UNREADABLE: {
    title: 'Identity provider gives an odd answer',
    says: 'The answer of the identity provider to {action} cannot be read.',
    cause: 'A proxy answers in its place, or the version is not supported.',
    operatorDoes: 'Show the evidence to an admin.',
    retry: 'after-fix',
  },
  IDENTITY_PAUSED: {
    title: 'Identity provider wants a pause',
    says: '{issuer} takes no more requests for {wait}.',
    cause: 'More came than it allows, from this station or from others, or its quota is used up.',
    operatorDoes:
      'Retry after that time; until then nothing is sent. If it happens again, have an admin raise the limit.',
    retry: 'after-fix',
  },
  IDENTITY_CALL_FAILED: {
    title: 'Identity provider refuses',
    says: 'The identity provider did not {action}.',
    cause: 'It answered {status}.',
    operatorDoes: 'Retry. If it happens again, show the evidence to an admin.',
    retry: 'now',
  },
  NATS_UNREACHABLE: {
    title: 'NATS does not answer',
    says: 'Nothing answers at {urls}.',
    cause: 'The messaging system is down, or the profile has the wrong address.',
    operatorDoes: 'Check the network and the NATS address in the profile.',
    retry: 'now',
  },
  NATS_REFUSED: {
    title: 'NATS refuses this station',
    says: 'NATS does not accept this sign-in.',
    cause:
      'The account lacks the role that may read heartbeats, or the sign-in expired. Or it is a personal access token, which NATS often cannot check.',
    operatorDoes: 'Sign in again by the code that Muster shows, or ask an admin for the role.',
    retry: 'after-fix',
  },
} as const satisfies Readonly<Record<string, Remedy>>;

import { expect, it } from 'vitest';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import { EnrollmentError, toErrorView } from './enrollment-error.ts';

/** What the operator is told, in full, of a failure at the identity provider. */
function told(code: EnrollmentErrorCode): string {
  const details = { clientId: 'fleet-station', projectId: '3716', visible: 'other (9)', action: 'list keys' };
  const { says, cause, operatorDoes } = toErrorView(new EnrollmentError(code, { details }));
  return `${says} ${cause} ${operatorDoes}`;
}

/** The failures at the provider that are met first, each with the facts and remedies that its text must name. */
const rows: readonly (readonly [EnrollmentErrorCode, readonly string[]])[] = [
  [
    'IDENTITY_CLIENT_UNKNOWN',
    [
      ...['fleet-station', 'name of the app', 'numeric id', '371639797157987125@fleet', 'set-up summary'],
      ...[
        'mistyped',
        'API app',
        'machine user',
        'another instance or domain',
        'app or its project is switched off',
      ],
      ...['identity.client_id', 'identity.issuer'],
    ],
  ],
  [
    'IDENTITY_PROJECT_NOT_VISIBLE',
    ['3716', 'other (9)', 'another organisation', 'Set the organisation id', 'identity.org_id'],
  ],
  ['IDENTITY_ORGANISATION_UNKNOWN', ['resource id']],
  [
    'IDENTITY_AUDIENCE_INVALID',
    ['audience', 'urn:zitadel:iam:org:project:id:zitadel:aud', 'personal access token'],
  ],
  [
    'IDENTITY_ROLE_MISSING',
    [
      ...['list keys', 'IAM_OWNER', 'ORG_OWNER', 'users, grants and keys'],
      'urn:zitadel:iam:org:project:id:zitadel:aud',
    ],
  ],
  [
    'IDENTITY_CERTIFICATE_SELF_SIGNED',
    ['development cluster', 'identity.ca_file', 'identity.danger_accept_invalid_certs', 'in red'],
  ],
  [
    'IDENTITY_CERTIFICATE_NOT_FOR_SERVERS',
    ["authority's own certificate", 'identity.ca_file', 'identity.danger_accept_invalid_certs', 'in red'],
  ],
];

it.each(rows)('%s names what is seen, what it means and what to do', (code, facts) => {
  for (const fact of facts) expect(told(code)).toContain(fact);
});

it('a refusal for want of rights has the scopes looked at first, then the roles', () => {
  const { cause, operatorDoes } = toErrorView(new EnrollmentError('IDENTITY_ROLE_MISSING'));
  for (const text of [cause, operatorDoes]) {
    expect(text).toContain('scope');
    expect(text.indexOf('scope')).toBeLessThan(text.indexOf('ORG_OWNER'));
  }
});

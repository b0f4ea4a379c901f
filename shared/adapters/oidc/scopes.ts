/**
 * What the sign-in asks for. `profile` and the resource owner name the operator and the organisation on screen;
 * `offline_access` renews the sign-in; the first audience lets the token call Zitadel's own API. The project's audience and the roles are for the NATS
 * auth callout: by them it recognises an operator of this fleet.
 */
export function signInScope(projectId: string): string {
  return [
    'openid',
    'profile',
    'offline_access',
    'urn:zitadel:iam:user:resourceowner',
    'urn:zitadel:iam:org:project:id:zitadel:aud',
    `urn:zitadel:iam:org:project:id:${projectId}:aud`,
    'urn:zitadel:iam:org:projects:roles',
  ].join(' ');
}

import type { Reply } from './http-exchange.ts';

const httpStatusOfCode = {
  3: 400,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  12: 405,
  13: 500,
  14: 503,
  16: 401,
} as const;

/** gRPC status codes as the gateway uses them. */
export type ApiCode = keyof typeof httpStatusOfCode;

/** An error of the management API, in the form of the gateway. `id` is Zitadel's error id; validation texts have none. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiCode;
  readonly id: string | undefined;

  constructor(code: ApiCode, text: string, id?: string) {
    super(text);
    this.code = code;
    this.id = id;
  }

  /** `{code, message: "<text> (<ID>)", details: [{@type, id, message}]}` with the matching HTTP status. */
  toReply(): Reply {
    const message = this.id === undefined ? this.message : `${this.message} (${this.id})`;
    const detail = {
      '@type': 'type.googleapis.com/zitadel.v1.ErrorDetail',
      id: this.id,
      message: this.message,
    };
    return {
      status: httpStatusOfCode[this.code],
      body: { code: this.code, message, ...(this.id === undefined ? {} : { details: [detail] }) },
    };
  }
}

export const apiErrors = {
  alreadyExists: (text: string) => new ApiError(6, text, 'V3-DKcYh'),
  noPermission: () => new ApiError(7, 'No matching permissions found', 'AUTH-5mWD2'),
  /** The same refusal where the command looks instead of the interceptor, as in v2. */
  noPermissionThere: () => new ApiError(7, 'No matching permissions found', 'AUTH-AWfge'),
  noMembership: () => new ApiError(5, 'membership not found', 'AUTHZ-cdgFk'),
  unknownOrganisation: () => new ApiError(7, "Organisation doesn't exist", 'AUTH-Bs7Ds'),
  missingToken: () => new ApiError(16, 'auth header missing'),
  badToken: () => new ApiError(16, 'Errors.Token.Invalid', 'AUTH-7fs1e'),
  badAudience: () => new ApiError(16, 'invalid audience', 'APP-Zxfako'),
  userNotFound: (id: string) => new ApiError(5, 'User could not be found', id),
  userKeyNotFound: () => new ApiError(5, 'Machine key not found', 'COMMAND-4m77G'),
  grantNotFound: () => new ApiError(5, 'User grant not found', 'COMMAND-1My0t'),
  patNotFound: () => new ApiError(5, 'Personal Access Token not found', 'COMMAND-4m77G'),
  projectNotFound: () => new ApiError(5, 'Project not found', 'COMMAND-CD8ff'),
  /** Creations in a project that is not there are no 404. */
  projectMissing: () => new ApiError(9, 'Errors.Project.NotFound', 'COMMAND-EbFMN'),
  roleNotFound: () => new ApiError(5, 'Errors.Project.Role.NotExisting', 'COMMAND-2m9vs'),
  appNotFound: () => new ApiError(5, 'Errors.Project.App.NotExisting', 'COMMAND-2n8uU'),
  appKeyNotFound: () => new ApiError(5, 'Errors.Project.App.Key.NotFound', 'COMMAND-ff77G'),
  memberNotFound: () => new ApiError(5, 'Errors.Org.Member.NotFound', 'COMMAND-D8JxR'),
  organisationNotFound: () => new ApiError(5, 'Organisation not found', 'QUERY-iTTGJ'),
  noChanges: (id: string) => new ApiError(9, 'No changes', id),
} as const;

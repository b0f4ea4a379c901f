import { z } from 'zod';
import { parseDeviceId } from '#shared/model/device-id.ts';
import type { Secret } from '#shared/model/secret.ts';
import type { AccessDirectory } from './access-policy.ts';

export interface ZitadelDirectoryOptions {
  /** Origin of the provider, which is its issuer. */
  readonly issuer: string;
  readonly orgId: string;
  /** Token of an account that may read users. */
  readonly serviceToken: Secret;
}

const userSchema = z.object({
  user: z.object({ userName: z.string(), state: z.string().optional(), machine: z.unknown().optional() }),
});
const permissionsSchema = z.object({ result: z.array(z.string()).default([]) });

/** Whoever may read users may watch the devices. */
const WATCH_PERMISSION = 'user.read';
const DEVICE_USER_PREFIX = 'device-';
const TIMEOUT_MS = 20_000;

/**
 * Asks Zitadel who is who. A device is an active machine user named `device-<id>`; an operator holds the
 * permission to read users, which is asked with the operator's own token.
 */
export function createZitadelDirectory(options: ZitadelDirectoryOptions): AccessDirectory {
  const ask = async (path: string, token: string, body?: unknown): Promise<Response> =>
    fetch(new URL(path, options.issuer), {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-zitadel-orgid': options.orgId,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });

  return {
    async lookupDeviceId(userId) {
      const path = `/management/v1/users/${encodeURIComponent(userId)}`;
      const response = await ask(path, options.serviceToken.reveal());
      if (response.status === 404) return undefined;
      if (!response.ok) throw new Error(`status ${response.status} for user ${userId}`);
      const { user } = userSchema.parse(await response.json());
      const active = user.state === undefined || user.state === 'USER_STATE_ACTIVE';
      if (!active || user.machine === undefined || !user.userName.startsWith(DEVICE_USER_PREFIX))
        return undefined;
      const parsed = parseDeviceId(user.userName.slice(DEVICE_USER_PREFIX.length));
      return parsed.ok ? parsed.id : undefined;
    },
    async isOperator(_userId, accessToken) {
      const response = await ask('/auth/v1/permissions/zitadel/me/_search', accessToken, {});
      if (response.status >= 400 && response.status < 500) return false;
      if (!response.ok) throw new Error(`status ${response.status} for permissions`);
      return permissionsSchema.parse(await response.json()).result.includes(WATCH_PERMISSION);
    },
  };
}

import type { Provider } from 'oidc-provider';
import { knownScopes } from '../scopes.ts';
import { labResource } from './provider.ts';

/** A station's request for sign-in, found by its user code and not yet decided. */
export interface DeviceRequest {
  /** The code as stored, without the dash. */
  readonly userCode: string;
  readonly shownCode: string;
  readonly clientName: string;
  readonly scopes: readonly string[];
  approve(accountId: string): Promise<void>;
  deny(): Promise<void>;
}

/** How long a decision waits for a poll that comes after the code's own end; Zitadel honours such decisions. */
const decisionKeptSeconds = 600;

/** Reads and decides oidc-provider's device codes on behalf of our own sign-in pages. */
export class DeviceRequests {
  readonly #provider: Provider;

  constructor(provider: Provider) {
    this.#provider = provider;
  }

  /** The application a device code was given to; undefined when there is no such code. */
  async clientOf(deviceCode: string): Promise<string | undefined> {
    return (await this.#provider.DeviceCode.find(deviceCode, { ignoreExpiration: true }))?.clientId;
  }

  async find(typedCode: string): Promise<DeviceRequest | 'unknown' | 'expired' | 'decided'> {
    const userCode = typedCode.toUpperCase().replace(/[^A-Z]/g, '');
    const code = await this.#provider.DeviceCode.findByUserCode(userCode, { ignoreExpiration: true });
    const client = code?.clientId === undefined ? undefined : await this.#provider.Client.find(code.clientId);
    if (code === undefined || client === undefined) return 'unknown';
    if (code.error !== undefined || code.accountId !== undefined) return 'decided';
    if (code.isExpired) return 'expired';
    const asked = code.params?.scope;
    const scopes = knownScopes(typeof asked === 'string' ? asked : undefined);
    const keep = (): Promise<string> => {
      code.exp = Math.floor(Date.now() / 1000) + decisionKeptSeconds;
      return code.save();
    };
    return {
      userCode,
      shownCode: `${userCode.slice(0, 4)}-${userCode.slice(4)}`,
      clientName: client.clientName ?? client.clientId,
      scopes,
      approve: async (accountId) => {
        const grant = new this.#provider.Grant({ accountId, clientId: client.clientId });
        grant.addOIDCScope(scopes);
        grant.addResourceScope(labResource, scopes);
        code.grantId = await grant.save();
        code.accountId = accountId;
        code.authTime = Math.floor(Date.now() / 1000);
        code.scope = scopes.join(' ');
        code.resource = labResource;
        await keep();
      },
      deny: async () => {
        code.error = 'access_denied';
        code.errorDescription = 'The authorization request was denied.';
        await keep();
      },
    };
  }
}

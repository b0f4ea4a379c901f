import type { Adapter, AdapterPayload } from 'oidc-provider';

/** What tests may do to what is waiting. */
export interface MemoryControl {
  /** Every device code that nobody has decided yet is past its end. */
  expireDeviceCodes(): void;
  /** Forgets every refresh token. */
  forgetRefreshTokens(): void;
}

interface Entry {
  payload: AdapterPayload;
  readonly forgetAt: number;
}

/** How long expired entries are kept, so that a late poll hears `expired_token` and not "unknown code". */
const keepExpiredMs = 15 * 60_000;
const pruneAbove = 5_000;

/**
 * Memory storage for oidc-provider's models. Differs from the package's own in two ways, both Zitadel's:
 * a used-up code or refresh token is simply unknown (no revocation of the sign-in it belonged to),
 * and expired entries stay findable for a while.
 */
export function memoryAdapter(onGrantRevoked: (grantId: string) => void): {
  adapterOf(model: string): Adapter;
  readonly control: MemoryControl;
} {
  const models = new Map<string, Map<string, Entry>>();
  const adapterOf = (model: string): Adapter => {
    const entries = models.get(model) ?? new Map<string, Entry>();
    models.set(model, entries);
    const findBy = (matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
      for (const { payload } of entries.values()) if (matches(payload)) return payload;
      return undefined;
    };
    const prune = (): void => {
      const now = Date.now();
      for (const [id, entry] of entries) if (entry.forgetAt < now) entries.delete(id);
    };
    return {
      async upsert(id, payload, expiresInSeconds) {
        if (entries.size > pruneAbove) prune();
        const lifeMs = expiresInSeconds === undefined ? Number.POSITIVE_INFINITY : expiresInSeconds * 1000;
        entries.set(id, { payload: structuredClone(payload), forgetAt: Date.now() + lifeMs + keepExpiredMs });
      },
      async find(id) {
        const payload = entries.get(id)?.payload;
        return payload === undefined || payload.consumed ? undefined : payload;
      },
      async findByUid(uid) {
        return findBy((payload) => payload.uid === uid);
      },
      async findByUserCode(userCode) {
        return findBy((payload) => payload.userCode === userCode);
      },
      async consume(id) {
        const entry = entries.get(id);
        if (entry !== undefined)
          entry.payload = { ...entry.payload, consumed: Math.floor(Date.now() / 1000) };
      },
      async destroy(id) {
        entries.delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const [id, { payload }] of entries) if (payload.grantId === grantId) entries.delete(id);
        onGrantRevoked(grantId);
      },
    };
  };
  const control: MemoryControl = {
    expireDeviceCodes() {
      for (const entry of models.get('DeviceCode')?.values() ?? []) {
        const { accountId, error } = entry.payload;
        if (accountId === undefined && error === undefined) entry.payload = { ...entry.payload, exp: 1 };
      }
    },
    forgetRefreshTokens() {
      models.get('RefreshToken')?.clear();
    },
  };
  return { adapterOf, control };
}

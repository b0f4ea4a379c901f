import type { RsaKeyPool } from './rsa-keys.ts';
import type { Store } from './store.ts';

/** Ways in which Zitadels differ from each other, by age or by setting. */
export interface Quirks {
  /** A server too old to know `publicKey`: it overlooks the field and mints a pair. */
  readonly ignorePublicKeys: boolean;
  /** zitadel#7948: a registered public key is accepted and listed, and no login with it succeeds. */
  readonly registeredKeysCannotLogIn: boolean;
  /** The domain policy: user names count per organisation and carry its domain, instead of once per instance. */
  readonly userLoginMustBeDomain: boolean;
  /** Older servers: `<digits>@<project name>` instead of digits alone. */
  readonly clientIdsNameTheProject: boolean;
}

/** What the operations behind both generations of the API work on. */
export interface World {
  readonly store: Store;
  readonly keyPool: RsaKeyPool;
  readonly nextId: () => string;
  readonly quirks: Quirks;
}

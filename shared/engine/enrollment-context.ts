import type { LockHolder } from '../device/fence.ts';
import type { DeviceId } from '../model/device-id.ts';
import type { Profile } from '../model/profile.ts';
import type { Secret } from '../model/secret.ts';
import type { Target } from '../model/target.ts';
import type { Boards } from './boards.ts';
import type { EnrollmentRecord } from './enrollment-record.ts';
import type { Fleet } from './fleet.ts';
import type { Look } from './look-at-device.ts';
import type { MachineKeysContext } from './machine-keys.ts';
import type {
  AccessTokenSource,
  DeviceCredential,
  DeviceSession,
  IdentityProvider,
  StationPorts,
} from './ports.ts';

/**
 * The wish for a new key. The keys it replaces are those found first: what an attempt has minted since is the new key, and
 * an attempt that was cut off is not followed by yet another one.
 */
export interface Rotation {
  replacedKeyIds: readonly string[] | undefined;
}

/** What one enrollment is made with. */
export interface EnrollmentInput {
  readonly ports: StationPorts;
  readonly profile: Profile;
  readonly deviceId: DeviceId;
  readonly target: Target;
  readonly labels: Readonly<Record<string, string>>;
  readonly credential: DeviceCredential;
  readonly sudoPassword: Secret | undefined;
  /** The operator asked for it: a clock that is off is set to the station's time. */
  readonly setClock: boolean;
  /** The operator asked for it: an id that another board has is taken over. */
  readonly takeOver?: boolean;
  /** The operator asked for a new key in place of a good one. One object for all attempts of this device. */
  readonly rotation?: Rotation;
  readonly tokens: AccessTokenSource;
  readonly identity: IdentityProvider;
  readonly fleet: Fleet | undefined;
  /** This station, as a device knows who changes it. */
  readonly holder: LockHolder;
  /** The boards of this batch. */
  readonly boards: Boards;
  readonly record: EnrollmentRecord;
  readonly signal: AbortSignal;
}

/** The same, once the device is connected and was looked at. */
export interface EnrollmentContext extends EnrollmentInput {
  readonly session: DeviceSession;
  readonly look: Look;
  readonly keys: MachineKeysContext;
}

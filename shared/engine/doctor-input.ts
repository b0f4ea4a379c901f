import type { ProbeFacts } from '../device/probe.ts';
import type { DeviceId } from '../model/device-id.ts';
import type { DeviceFacts } from '../model/facts.ts';
import type { Profile } from '../model/profile.ts';
import type { Secret } from '../model/secret.ts';
import type { Heartbeat } from '../model/station-state.ts';
import type { Target } from '../model/target.ts';
import type { DeviceCredential, IdentityProvider, StationPorts } from './ports.ts';

/** What the doctor may use. What is not there is told as unknown, never asked for. */
export interface DoctorInput {
  readonly ports: Pick<StationPorts, 'clock' | 'random' | 'journal' | 'connector' | 'binaries'>;
  readonly profile: Profile;
  /** False where nobody named the fleet: its issuer in the profile stands for nothing. */
  readonly knowsFleet: boolean;
  readonly target: Target;
  /** The device as the fleet knows it; without it, account and heartbeat cannot be looked up. */
  readonly deviceId: DeviceId | undefined;
  readonly credential: DeviceCredential;
  readonly sudoPassword: Secret | undefined;
  /** Undefined where nobody is signed in. */
  readonly identity: IdentityProvider | undefined;
  /** Newest heartbeat of the device; undefined where they cannot be read. */
  readonly heartbeatOf: ((deviceId: DeviceId) => Promise<Heartbeat | undefined>) | undefined;
  readonly signal: AbortSignal;
}

/** A device that was looked at, for the checks that follow. */
export interface Patient {
  readonly input: DoctorInput;
  readonly facts: DeviceFacts;
  readonly probe: ProbeFacts;
}

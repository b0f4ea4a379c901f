import { agentConfig } from '../device/agent-config.ts';
import { requiredPackages } from '../device/paths.ts';
import { unitFile } from '../device/unit-file.ts';
import { keyRealmOf } from '../engine/key-realm.ts';
import { type DeviceId, parseDeviceId } from '../model/device-id.ts';
import type { AgentUserFacts, DeviceFacts, PlaceFacts, UnitFacts } from '../model/facts.ts';
import { type Profile, profileSchema } from '../model/profile.ts';
import type { Desired } from '../steps/define-step.ts';
import { fakeBinary, sha256 } from './fake-ports.ts';

/** A checked device id. */
export function deviceId(text: string): DeviceId {
  const result = parseDeviceId(text);
  if (!result.ok) throw new Error(result.problem.says);
  return result.id;
}

/** A profile as its file would give it, with changes of whole tables. */
export function buildProfile(changes: Record<string, unknown> = {}): Profile {
  return profileSchema.parse({
    name: 'Line 1',
    identity: {
      issuer: 'https://id.example',
      client_id: '371639797157987125@fleet',
      project_id: '371639797157000001',
    },
    nats: { urls: ['nats://nats.example:4222'] },
    agent: { binaries: { x86_64: 'agent-x86_64', aarch64: 'agent-aarch64', armv7: 'agent-armv7' } },
    labels: { group: 'batch7' },
    ...changes,
  });
}

/** Where keys of devices of that profile live. */
export const keyRealm = keyRealmOf(buildProfile());

/** Every place on one file system with this much room. */
export function places(change: Partial<PlaceFacts> = {}): DeviceFacts['places'] {
  const place = { mount: '/', freeBytes: 8_000_000_000, writable: true, ...change };
  return { binary: place, config: place, programs: place, archives: place, state: place };
}

/** An agent user of whom everything is right, or nothing. */
export function agentUserFacts(right: boolean): AgentUserFacts {
  return {
    ...{ exists: right, hasOwnGroup: right, hasHome: right, lingering: right, managerRunning: right },
    ...{ podmanSocketEnabled: right, podmanSocketListens: right, hasSubordinateIds: right },
  };
}

/** A unit that is right but for these. */
export function unitFacts(changes: Partial<UnitFacts>): UnitFacts {
  return {
    ...{ enabled: true, active: true, needsReload: false, hasForeignDropIns: false, needsRestart: false },
    ...changes,
  };
}

/** Facts of a device as it comes out of the box. */
export function freshFacts(changes: Partial<DeviceFacts> = {}): DeviceFacts {
  return {
    hostname: 'raspberrypi',
    osId: 'debian',
    osVersion: '12',
    osName: 'Debian GNU/Linux 12 (bookworm)',
    machine: 'aarch64',
    architecture: 'aarch64',
    model: 'Raspberry Pi 4 Model B Rev 1.5',
    serial: '10000000abcdef01',
    machineId: '0123456789abcdef0123456789abcdef',
    bootId: '00000000-0000-4000-8000-000000000001',
    places: places(),
    ...{ obstacles: [], firstBootRunning: false, rebootRequired: false },
    clockOffsetSeconds: 0,
    elevation: 'sudo',
    loginUser: 'pi',
    missingPackages: [...requiredPackages],
    agentUser: agentUserFacts(false),
    binarySha256: undefined,
    configDirectoryRight: false,
    configSha256: undefined,
    unitSha256: undefined,
    ...{ key: undefined, canMakeKeys: false },
    unit: unitFacts({ enabled: false, active: false }),
    ...{ epoch: 0, heldBy: undefined },
    ...changes,
  };
}

/** What a device of {@link buildProfile} should hold. */
export function buildDesired(changes: Partial<Desired> = {}): Desired {
  const config = agentConfig(buildProfile(), deviceId('board-01'), { group: 'batch7' });
  return {
    config: { content: config, sha256: sha256(config) },
    unit: { content: unitFile, sha256: sha256(unitFile) },
    binary: fakeBinary('agent-aarch64', 'aarch64'),
    userId: '39',
    liveKeyIds: ['k1'],
    keyIdsBefore: ['k1'],
    ...{ watchesHeartbeats: true, bornPair: 'pair-1' },
    ...changes,
  };
}

/** Facts of a device on which everything of {@link buildDesired} is right. */
export function convergedFacts(desired: Desired, changes: Partial<DeviceFacts> = {}): DeviceFacts {
  return freshFacts({
    missingPackages: [],
    agentUser: agentUserFacts(true),
    binarySha256: desired.binary.sha256,
    configDirectoryRight: true,
    configSha256: desired.config.sha256,
    unitSha256: desired.unit.sha256,
    key: { keyId: desired.liveKeyIds[0] ?? 'k1', userId: desired.userId, protectedRight: true },
    unit: unitFacts({}),
    ...changes,
  });
}

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { agentConfig } from '#shared/device/agent-config.ts';
import { unitFile } from '#shared/device/unit-file.ts';
import type { DeviceId } from '#shared/model/device-id.ts';
import type { Profile } from '#shared/model/profile.ts';
import type { FarmDevice } from '../../farm/farm.ts';
import { sampleAgent } from './sample-agent.ts';

/** What all contestants put on a device, as files they can send. */
export interface Payload {
  readonly folder: string;
  readonly binary: string;
  readonly binarySha256: string;
  readonly unit: string;
  /** Config of one device. */
  config(id: DeviceId): string;
  /** Machine key of one device. It opens nothing. */
  key(id: DeviceId): string;
  readonly knownHosts: string;
}

/** One device as all contestants see it. */
export interface Contender {
  readonly id: DeviceId;
  readonly device: FarmDevice;
}

/** Something that enrolls devices. */
export interface Contestant {
  readonly name: string;
  /** Brings all of them, at once, to the same state; throws when one is not brought there. */
  enroll(contenders: readonly Contender[]): Promise<void>;
}

/** Writes the files all contestants send. */
export function writePayload(folder: string, profile: Profile, binaryBytes: number): Payload {
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => path.join(folder, name);
  writeFileSync(at('fleet-agent'), sampleAgent(binaryBytes), { mode: 0o755 });
  writeFileSync(at('fleet-agent.service'), unitFile);
  writeFileSync(at('known_hosts'), '');
  return {
    ...{ folder, binary: at('fleet-agent'), unit: unitFile, knownHosts: at('known_hosts') },
    binarySha256: createHash('sha256')
      .update(readFileSync(at('fleet-agent')))
      .digest('hex'),
    config: (id) => agentConfig(profile, id, profile.labels),
    key: (id) =>
      JSON.stringify({
        type: 'serviceaccount',
        keyId: `key-of-${id}`,
        key: 'k'.repeat(1_680),
        userId: `user-of-${id}`,
      }),
  };
}

/** Makes the devices known to ssh, so that every contestant checks host keys. */
export function writeKnownHosts({ knownHosts }: Payload, devices: readonly FarmDevice[]): void {
  writeFileSync(knownHosts, devices.map((device) => `${device.address} ${device.hostKey}\n`).join(''));
}

import type { DeviceConnector } from '../engine/ports.ts';
import type { LocalConnector } from './local/connector.ts';
import type { SshConnector } from './ssh/connector.ts';

/** Reaches a device by what its target says: over SSH, or on this computer itself. */
export function createDeviceConnector(ways: {
  readonly ssh: SshConnector;
  readonly local: LocalConnector;
}): DeviceConnector {
  return {
    reachesThisComputer: ways.local.isPossible,
    connect: async (target, options) =>
      target.kind === 'ssh' ? ways.ssh.connect(target, options) : ways.local.open(options.signal),
  };
}

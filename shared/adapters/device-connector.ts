import type { DeviceConnector } from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { SshConnector } from './ssh/connector.ts';

/** Reaches a device by what its target says: over SSH, or on this computer itself. */
export function createDeviceConnector({ ssh }: { readonly ssh: SshConnector }): DeviceConnector {
  return {
    connect: async (target, options) => {
      if (target.kind === 'ssh') return ssh.connect(target, options);
      const details = { found: 'This computer as a target' };
      throw new EnrollmentError('DEVICE_UNSUPPORTED', { details, phase: 'connect' });
    },
  };
}

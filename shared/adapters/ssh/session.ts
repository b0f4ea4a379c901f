import type { Clock, DeviceSession } from '../../engine/ports.ts';
import { describeThrown } from '../../errors/enrollment-error.ts';
import { createBusyWatch } from '../command/busy-watch.ts';
import { createCommandRunner } from '../command/command-runner.ts';
import { payloadInput } from '../command/standard-input.ts';
import { uploadInput } from '../command/upload-input.ts';
import type { SshLimits } from './limits.ts';
import { lostError, type SshPlace } from './ssh-errors.ts';
import { createSshTransport } from './ssh-transport.ts';
import type { StationClient } from './wire/station-client.ts';

export interface SessionOptions {
  readonly client: StationClient;
  readonly place: SshPlace;
  readonly hostKeyFingerprint: string;
  readonly clock: Clock;
  readonly limits: SshLimits;
}

const GOODBYE_MS = 1000;

/** A logged-in connection as the core uses it. */
export function createSession(options: SessionOptions): DeviceSession {
  const { client, place, clock, limits } = options;
  const lost = (evidence: string, cause?: unknown) => lostError(place, evidence, cause);
  const runner = createCommandRunner({
    ...{ clock, limits, lost, user: place.user },
    transport: createSshTransport(client, clock),
    address: place.address,
  });
  client.on('error', (thrown: unknown) => runner.end(lost(describeThrown(thrown), thrown)));
  client.on('close', () => runner.end(lost('The device closed the connection.')));

  return {
    hostKeyFingerprint: options.hostKeyFingerprint,
    loginUser: place.user,
    run: (command, { payload, ...rest }) =>
      runner.execute({ command, input: payloadInput(payload), ...rest }),
    upload: (command, file, { onProgress, ...rest }) =>
      runner.execute({
        command,
        input: uploadInput(file, { clock, watch: createBusyWatch, onProgress }),
        ...rest,
      }),
    close: () => {
      runner.refuse(lost('The connection was closed by the station.'));
      // A device that does not answer the goodbye is not waited for.
      const cancel = clock.after(GOODBYE_MS, () => client.destroy());
      client.once('close', cancel);
      client.end();
    },
  };
}

import { pinsOf } from '#shared/adapters/ssh/testing/pins.ts';
import { testConnector } from '#shared/adapters/ssh/testing/test-connector.ts';
import { type LookResult, parseLook } from '#shared/device/facts/parse-facts.ts';
import { lookCommand } from '#shared/device/look.ts';
import type { FarmDevice } from './farm.ts';

const limitMs = 120_000;

/** What the engine's first look at a device gives, under a nonce that a forged line of the device may know. */
export async function lookAt(device: FarmDevice, nonce: string): Promise<LookResult> {
  const { address, sshPort, user } = device;
  const signal = AbortSignal.timeout(limitMs);
  const session = await testConnector({ private_key_file: device.privateKeyFile }).connect(
    { kind: 'ssh', user: undefined, host: address, port: sshPort },
    { credential: { user }, hostKeys: pinsOf(undefined), signal },
  );
  try {
    const { stdout } = await session.run(lookCommand(nonce), {
      ...{ elevation: { kind: 'none' }, signal, limitMs },
    });
    return parseLook(stdout, nonce, session.loginUser, Date.now() / 1000);
  } finally {
    session.close();
  }
}

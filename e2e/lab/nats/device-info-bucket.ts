import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { DEVICE_INFO_BUCKET } from './permissions.ts';

/**
 * Creates the bucket of device infos if it is not there: one value per device, the newest.
 *
 * Roll-up is switched off: with it, a device could send `Nats-Rollup: all` with its own entry and so wipe
 * everybody's. Limit markers need roll-up, so there are none; whoever watches judges an entry by its age.
 */
export async function ensureDeviceInfoBucket(connection: NatsConnection): Promise<void> {
  await new Kvm(connection).create(DEVICE_INFO_BUCKET, { history: 1, allow_direct: true });
  const manager = await jetstreamManager(connection);
  const stream = `KV_${DEVICE_INFO_BUCKET}`;
  const { config } = await manager.streams.info(stream);
  if (config.allow_rollup_hdrs) await manager.streams.update(stream, { ...config, allow_rollup_hdrs: false });
}

/** Removes a device's entry and leaves the marker by which watchers learn of it. */
export async function removeDeviceInfo(connection: NatsConnection, deviceId: string): Promise<void> {
  const bucket = await new Kvm(connection).open(DEVICE_INFO_BUCKET);
  await bucket.delete(deviceId);
}

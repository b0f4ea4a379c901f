import type { User } from '@nats-io/jwt';
import type { DeviceId } from '#shared/model/device-id.ts';

/** The KV bucket in which every device has one entry under its id. */
export const DEVICE_INFO_BUCKET = 'fleet-device-info';

/** A report is about 1 KB; more than this from a device is a fault. */
const DEVICE_PAYLOAD_LIMIT_BYTES = 64 * 1024;
const DEVICE_SUBSCRIPTION_LIMIT = 8;

/**
 * Where a device hears the answers to its puts. Dots become `_`, which ids do not contain: otherwise the
 * inbox of the device `a.b` would lie inside the one of device `a`.
 */
export function deviceInboxPrefix(id: DeviceId): string {
  return `_INBOX_device_${id.replaceAll('.', '_')}`;
}

/** A device may write its own entry and hear the acknowledgement. Nothing else. */
export function devicePermissions(id: DeviceId): Partial<User> {
  return {
    pub: { allow: [`$KV.${DEVICE_INFO_BUCKET}.${id}`] },
    sub: { allow: [`${deviceInboxPrefix(id)}.>`] },
    payload: DEVICE_PAYLOAD_LIMIT_BYTES,
    subs: DEVICE_SUBSCRIPTION_LIMIT,
  };
}

/** A station connects with this inbox prefix, or a longer one that continues it after a dot. */
export const STATION_INBOX_PREFIX = '_INBOX_station';

/**
 * A station may read and watch the bucket, and write into it: a device that is decommissioned gets a mark that its entry is
 * deleted. The other subjects are those of JetStream's reading calls.
 */
export function stationPermissions(): Partial<User> {
  const stream = `KV_${DEVICE_INFO_BUCKET}`;
  return {
    pub: {
      allow: [
        '$JS.API.INFO',
        `$JS.API.STREAM.INFO.${stream}`,
        `$JS.API.STREAM.MSG.GET.${stream}`,
        `$JS.API.DIRECT.GET.${stream}`,
        `$JS.API.DIRECT.GET.${stream}.>`,
        `$JS.API.CONSUMER.CREATE.${stream}.>`,
        `$JS.API.CONSUMER.INFO.${stream}.>`,
        `$JS.API.CONSUMER.DELETE.${stream}.>`,
        `$JS.FC.${stream}.>`,
        `$KV.${DEVICE_INFO_BUCKET}.>`,
      ],
    },
    sub: { allow: [`${STATION_INBOX_PREFIX}.>`] },
  };
}

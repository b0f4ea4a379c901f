import { z } from 'zod';
import { parseDeviceId } from '../../model/device-id.ts';
import { printable } from '../../model/printable.ts';
import { type Heartbeat, heartbeatSchema } from '../../model/station-state.ts';

/** One entry of the bucket. */
export interface DeviceInfoEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Server time, milliseconds since 1970, UTC. */
  readonly createdAt: number;
  readonly revision: number;
}

export type HeartbeatResult =
  | { readonly ok: true; readonly heartbeat: Heartbeat }
  | { readonly ok: false; readonly why: string };

const MAX_PAYLOAD_BYTES = 64 * 1024;
const MAX_TEXT = 256;
const MAX_ADDRESSES = 16;
const MAX_LABELS = 32;

/** Text of a device: shortened, and safe to show. */
const shown = z.string().transform((text) => printable(text).slice(0, MAX_TEXT));
const optionalText = shown.transform((text) => (text === '' ? undefined : text)).optional();
const amount = z.number().nonnegative().optional();
const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .pipe(z.number().int().nonnegative())
  .optional();

const payload = z.looseObject({
  deviceId: z.string().optional(),
  keyId: optionalText,
  agentVersion: optionalText,
  startedAt: instant,
  hostname: optionalText,
  os: optionalText,
  arch: optionalText,
  addresses: z
    .array(shown)
    .transform((list) => list.slice(0, MAX_ADDRESSES))
    .default([]),
  labels: z
    .record(z.string(), shown)
    .transform((labels) =>
      Object.fromEntries(
        Object.entries(labels)
          .slice(0, MAX_LABELS)
          .map(([name, value]) => [printable(name).slice(0, MAX_TEXT), value]),
      ),
    )
    .default({}),
  uptimeSeconds: amount,
  load1: amount,
  memoryFreeBytes: amount,
});

/**
 * Reads what a device says about itself. Which device it is and when it was heard come from the broker: the
 * entry's key and the server's time.
 */
export function readHeartbeat(entry: DeviceInfoEntry): HeartbeatResult {
  const refuse = (why: string): HeartbeatResult => ({ ok: false, why });
  if (!parseDeviceId(entry.key).ok) return refuse('The key is not a device id.');
  if (entry.value.length > MAX_PAYLOAD_BYTES) return refuse(`It has ${entry.value.length} bytes.`);
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(entry.value));
  } catch {
    return refuse('It is not JSON.');
  }
  const parsed = payload.safeParse(content);
  if (!parsed.success) {
    return refuse(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  }
  const { deviceId, arch, ...info } = parsed.data;
  if (deviceId !== undefined && deviceId !== entry.key) return refuse('It names another device.');
  const heartbeat = heartbeatSchema.safeParse({
    ...info,
    deviceId: entry.key,
    architecture: arch,
    receivedAt: entry.createdAt,
    revision: entry.revision,
  });
  return heartbeat.success ? { ok: true, heartbeat: heartbeat.data } : refuse(heartbeat.error.message);
}

import { parseDeviceId } from '#shared/model/device-id.ts';

/**
 * A valid device id close to a wrong one, or undefined when none is close. It is only offered on a button:
 * ids are never changed without a person.
 */
export function suggestDeviceId(text: string, taken: ReadonlySet<string>): string | undefined {
  const close = text
    .trim()
    .toLowerCase()
    .replace(/[\s_/]+/g, '-')
    .replace(/[^a-z0-9.-]/g, '')
    .replace(/\.{2,}/g, '.')
    .replace(/^[.-]+|[.-]+$/g, '')
    .replace(/-*\.-*/g, '.');
  if (close === text || taken.has(close)) return undefined;
  return parseDeviceId(close).ok ? close : undefined;
}

import type { HostKeyPins, PinnedHostKey } from '../../../engine/ports.ts';

/** Pins in memory, by place. */
export class MemoryPins implements HostKeyPins {
  readonly keys = new Map<string, PinnedHostKey>();

  hostKey(place: string): PinnedHostKey | undefined {
    return this.keys.get(place);
  }

  pinHostKey(place: string, key: PinnedHostKey): void {
    this.keys.set(place, key);
  }
}

/** Pins that hold one fingerprint for every place, or none. */
export function pinsOf(fingerprint: string | undefined): HostKeyPins {
  return {
    hostKey: () => (fingerprint === undefined ? undefined : { fingerprint, keyType: undefined }),
    pinHostKey: () => undefined,
  };
}

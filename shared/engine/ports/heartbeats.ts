import type { Heartbeat } from '../../model/station-state.ts';

export type HeartbeatLink =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly code: 'NATS_UNREACHABLE' | 'NATS_REFUSED'; readonly evidence: string };

/** The fleet's device info, followed live. */
export interface HeartbeatWatch {
  /**
   * Follows until the signal is aborted; reconnects by itself and reports every change of the link.
   * `revision` of a heartbeat is the server's and only grows. `isNew`: it was published while this watch listened;
   * false for what the bucket held when it began to. `onRemoved`: somebody took the device's entry away.
   */
  follow(
    handlers: {
      onHeartbeat(heartbeat: Heartbeat, isNew: boolean): void;
      onRemoved?(deviceId: string): void;
      onLink(link: HeartbeatLink): void;
    },
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Takes a device's entry out of the bucket: a mark that it is deleted, which every watch sees, not a purge of history.
   * @returns whether there was one
   * @throws NATS_UNREACHABLE, NATS_REFUSED while there is no link, or where this sign-in may not write the entry
   */
  removeEntry(deviceId: string, signal: AbortSignal): Promise<boolean>;
  /**
   * The newest revision there is, asked from the server now: whatever is larger was published afterwards.
   * @throws NATS_UNREACHABLE, NATS_REFUSED while there is no link
   */
  newestRevision(signal: AbortSignal): Promise<number>;
}

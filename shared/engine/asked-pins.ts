import type { HostKeyPins } from './ports.ts';

/**
 * Pins that are read and never written, and that tell whether the host a connection ended at has one. What a connector asks
 * for last is its target, under the name the key is kept by: a name of `~/.ssh/config` may stand for another place.
 */
export class AskedPins implements HostKeyPins {
  readonly #pins: Pick<HostKeyPins, 'hostKey'>;
  #hasPin = false;

  constructor(pins: Pick<HostKeyPins, 'hostKey'>) {
    this.#pins = pins;
  }

  /** Once connected: the target's key was pinned before. */
  get targetIsPinned(): boolean {
    return this.#hasPin;
  }

  readonly hostKey: HostKeyPins['hostKey'] = (place) => {
    const pinned = this.#pins.hostKey(place);
    this.#hasPin = pinned !== undefined;
    return pinned;
  };

  readonly pinHostKey: HostKeyPins['pinHostKey'] = () => undefined;
}

import { toErrorView } from '../errors/enrollment-error.ts';
import { type DeviceId, parseDeviceId } from '../model/device-id.ts';
import type { Profile } from '../model/profile.ts';
import type { EnrollmentRow, KeyLookUp, MachineKeyView } from '../model/station-state.ts';
import { renewBeforeMs } from './desired-state.ts';
import { asEnrollmentError, Stopped } from './limits.ts';
import type { Clock, IdentityProvider, Logger, MachineKeyEntry } from './ports.ts';

/** Devices asked for side by side: a look at a whole fleet shares the provider with the batch that runs beside it. */
const AT_ONCE = 4;

export interface StationKeysOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly profile: Profile;
  readonly identity: IdentityProvider;
  /** The key a device was last heard or seen to hold. */
  heldKeyId(deviceId: string): string | undefined;
  /** What is shown of a device's key until now. */
  known(deviceId: string): MachineKeyView | undefined;
  show(keys: Readonly<Record<string, MachineKeyView>>): void;
  showLookUp(lookUp: KeyLookUp): void;
}

/** What the provider says of the keys of the fleet, asked for when somebody wants to know. Nothing is changed by it. */
export class StationKeys {
  readonly #options: StationKeysOptions;
  readonly #waiting = new Set<string>();
  #stop = new AbortController();
  #running: Promise<void> | undefined;
  #total = 0;
  #done = 0;

  constructor(options: StationKeysOptions) {
    this.#options = options;
  }

  /** Begins to ask for these devices; those that wait already are asked for once. How it goes is shown. */
  lookUp(deviceIds: readonly string[]): void {
    for (const deviceId of deviceIds) this.#waiting.add(deviceId);
    if (this.#running !== undefined) {
      this.#total = this.#done + this.#waiting.size;
      return;
    }
    this.#total = this.#waiting.size;
    this.#done = 0;
    this.#stop = new AbortController();
    this.#running = this.#run(this.#stop.signal).finally(() => {
      this.#running = undefined;
    });
  }

  /** Cuts off what runs. */
  stop(): void {
    this.#stop.abort(new Stopped('the station closes'));
  }

  async whenIdle(): Promise<void> {
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { identity, showLookUp, logger } = this.#options;
    this.#show('running');
    try {
      // Where the project is not seen, the accounts would not be seen either, and every device would seem to have no key.
      await identity.requireProject(signal);
      await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work(signal)));
      this.#show('finished');
    } catch (thrown) {
      this.#waiting.clear();
      this.#stop.abort(thrown);
      if (thrown instanceof Stopped) return;
      const error = asEnrollmentError(thrown);
      logger.log('warn', 'keys-not-looked-up', { code: error.code });
      showLookUp({ state: 'failed', total: this.#total, done: this.#done, error: toErrorView(error) });
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const [deviceId] = this.#waiting;
      if (deviceId === undefined) return;
      this.#waiting.delete(deviceId);
      const parsed = parseDeviceId(deviceId);
      const view = parsed.ok ? await this.#ask(parsed.id, signal) : undefined;
      // An answer that came while another one failed: the end was told already.
      signal.throwIfAborted();
      if (view !== undefined) this.#options.show({ [deviceId]: view });
      this.#done += 1;
      this.#show('running');
    }
  }

  async #ask(deviceId: DeviceId, signal: AbortSignal): Promise<MachineKeyView> {
    const { identity, clock, profile, heldKeyId, known } = this.#options;
    const user = await identity.findMachineUser(deviceId, signal);
    const keys = user === undefined ? [] : await identity.listKeys(user.userId, signal);
    const view = viewKey(keys, heldKeyId(deviceId), renewBeforeMs(profile), clock.nowMs());
    const before = known(deviceId);
    const born = before?.keyId !== undefined && before.keyId === view.keyId ? before.born : undefined;
    return born === undefined ? view : { ...view, born };
  }

  #show(state: 'running' | 'finished'): void {
    this.#options.showLookUp({ state, total: this.#total, done: this.#done });
  }
}

/** Which of an account's keys a device signs in with, and what there is to say of it. Pure. */
export function viewKey(
  keys: readonly MachineKeyEntry[],
  heldKeyId: string | undefined,
  renewBefore: number,
  askedAt: number,
): MachineKeyView {
  const held = keys.find((key) => key.keyId === heldKeyId);
  if (held !== undefined) return viewEntry(held, keys.length - 1, renewBefore, askedAt);
  if (heldKeyId !== undefined) return { standing: 'deleted', keyId: heldKeyId, others: keys.length, askedAt };
  const [only, ...rest] = keys;
  if (only === undefined) return { standing: 'none', others: 0, askedAt };
  if (rest.length > 0) return { standing: 'unsure', others: keys.length, askedAt };
  return viewEntry(only, 0, renewBefore, askedAt);
}

function viewEntry(
  { keyId, expiresAt, createdAt }: MachineKeyEntry,
  others: number,
  renewBefore: number,
  askedAt: number,
): MachineKeyView {
  return {
    ...{ standing: 'registered', keyId, others, askedAt },
    ...(createdAt === undefined ? {} : { madeAt: createdAt }),
    ...(expiresAt === undefined ? {} : { expiresAt, renewFrom: Math.max(0, expiresAt - renewBefore) }),
  };
}

/** What an enrollment has seen of the key it leaves the device with; undefined while it has seen none. Pure. */
export function keyOfRow(
  { state, facts }: EnrollmentRow,
  renewBefore: number,
  nowMs: number,
): MachineKeyView | undefined {
  if (state !== 'enrolled' || facts?.keyId === undefined) return undefined;
  const entry = { keyId: facts.keyId, expiresAt: facts.keyExpiresAt, createdAt: facts.keyMadeAt };
  const view = viewEntry(entry, 0, renewBefore, nowMs);
  return facts.keyBorn === undefined ? view : { ...view, born: facts.keyBorn };
}

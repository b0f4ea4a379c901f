import { keyPath } from '#shared/device/paths.ts';
import { FakeClock } from '#shared/testing/fake-clock.ts';
import { FakeDevice } from '#shared/testing/fake-device.ts';
import { FakeHeartbeats } from '#shared/testing/fake-heartbeats.ts';
import { sha256 } from '#shared/testing/fake-ports.ts';
import type { FaultRequest } from '../identity/faults.ts';
import { logInWithKey, type MachineKeyFile } from './machine-login.ts';
import type { KeyPairs, ProofLab } from './proof-lab.ts';
import { seededChance } from './seeded-chance.ts';
import { Wire } from './wire.ts';

/** What the operators of a world want of an id. */
export type Plot = 'enrolled' | 'rotated' | 'taken over' | 'decommissioned';

export interface Board {
  readonly address: string;
  readonly device: FakeDevice;
  /** The key it logged in with last. */
  provenKeyId: string | undefined;
}

/** One id of the fleet, with what is to become of it. */
export interface Story {
  readonly id: string;
  readonly plot: Plot;
  /** The board that is to have the id in the end. */
  readonly board: Board;
  /** The board it is taken over from. */
  readonly other: Board | undefined;
  /** What is left of it when everybody has come to rest. */
  readonly end: 'enrolled' | 'gone';
  /** Somebody has begun to decommission it: from then on its keys may go at any time. */
  isDecommissioned: boolean;
}

/** Later than this computer's clock, so that a lab that was started just now is old and its searches have caught up. */
const AHEAD_MS = 3_600_000;

/** Ids, boards and what connects them, all drawn from a seed; and an eye on every request. */
export class World {
  readonly seed: number;
  readonly lab: ProofLab;
  readonly chance: () => number;
  readonly clock = new FakeClock(Date.now() + AHEAD_MS);
  readonly wire: Wire;
  readonly heartbeats = new FakeHeartbeats(this.clock);
  /** By address. */
  readonly devices = new Map<string, FakeDevice>();
  readonly stories: readonly Story[];
  /** Promises that were broken, as sentences. */
  readonly broken: string[] = [];
  readonly #makeKeyPair: KeyPairs;
  readonly #boards: Board[] = [];

  constructor(lab: ProofLab, seed: number, makeKeyPair: KeyPairs) {
    this.lab = lab;
    this.seed = seed;
    this.#makeKeyPair = makeKeyPair;
    this.chance = seededChance(seed);
    this.wire = new Wire(this.clock, this.chance);
    this.stories = Array.from({ length: 1 + this.below(3) }, (_, index) => this.#story(index));
  }

  below(limit: number): number {
    return Math.floor(this.chance() * limit);
  }

  sleep(ms: number): Promise<void> {
    return this.clock.sleep(ms, new AbortController().signal);
  }

  #story(index: number): Story {
    const id = `s${this.seed}-${index}`;
    const draw = this.chance();
    const plot =
      draw < 0.3 ? 'enrolled' : draw < 0.55 ? 'rotated' : draw < 0.75 ? 'taken over' : 'decommissioned';
    const board = this.#board(id, id);
    const other = plot === 'taken over' ? this.#board(id, `${id}-other`) : undefined;
    const end = plot === 'decommissioned' && this.chance() < 0.7 ? 'gone' : 'enrolled';
    return { id, plot, board, other, end, isDecommissioned: false };
  }

  #board(id: string, address: string): Board {
    const files = new Map<string, MachineKeyFile>();
    const device: FakeDevice = new FakeDevice({
      ...{ deviceId: id, clock: this.clock, makeKeyPair: this.#makeKeyPair },
      beat: (name, keyId) => {
        const text = device.files.get(keyPath)?.content;
        if (text !== undefined) {
          const file = JSON.parse(text) as MachineKeyFile;
          files.set(file.keyId, file);
        }
        const file = files.get(keyId);
        if (file !== undefined) this.#logIn(board, name, file);
      },
    });
    const board: Board = { address, device, provenKeyId: undefined };
    device.serial = `10000000${sha256(address).slice(32, 40)}`;
    device.machineId = sha256(address).slice(0, 32);
    device.hostKey = `SHA256:${address}`;
    device.hostname = address;
    device.canMakeKeys = this.chance() < 0.85;
    device.rebootMs = 20_000;
    this.#boards.push(board);
    this.devices.set(address, device);
    return board;
  }

  /** An agent with the real private key: only who logs in is heard. */
  #logIn(board: Board, name: string, file: MachineKeyFile): void {
    const { clock, lab, heartbeats } = this;
    clock
      .whileOutside(() => logInWithKey(lab.provider.issuer, file, clock.nowMs()))
      .then(
        (token) => {
          if (token === undefined) return;
          board.provenKeyId = file.keyId;
          heartbeats.beat(name, file.keyId, undefined, { hostname: board.address });
        },
        () => undefined,
      );
  }

  /** A key that a board holds must not be deleted, at no instant, unless somebody wants that board out of the fleet. */
  observe({ method, path }: FaultRequest): void {
    if (method !== 'DELETE') return;
    const keyId = /\/keys\/(\d+)$/.exec(path)?.[1];
    const userId = keyId === undefined ? /\/users\/(\d+)$/.exec(path)?.[1] : undefined;
    for (const { id, board, other, isDecommissioned } of this.stories) {
      if (isDecommissioned) continue;
      for (const one of other === undefined ? [board] : [board, other]) {
        const held = heldKey(one);
        if (held === undefined || (held.keyId !== keyId && held.userId !== userId)) continue;
        // The other board is shut out by a take-over, though not before its successor has proven a key of its own.
        if (one === other && board.provenKeyId !== undefined) continue;
        const proven = one.provenKeyId === held.keyId ? 'had proven' : 'had not proven yet';
        const what = keyId === undefined ? 'the machine user' : 'the key';
        this.broken.push(
          `${what} of ${id} is deleted while ${one.address} holds ${held.keyId}, which it ${proven}`,
        );
      }
    }
  }
}

/** The key file a board holds, as far as it tells who it is. */
export function heldKey({ device }: Board): Pick<MachineKeyFile, 'keyId' | 'userId'> | undefined {
  const text = device.files.get(keyPath)?.content;
  return text === undefined ? undefined : (JSON.parse(text) as MachineKeyFile);
}

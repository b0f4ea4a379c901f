import fs from 'node:fs';
import path from 'node:path';
import { must, undoAll } from './commands.ts';
import { type LinkShape, startLinkRelay } from './link-relay.ts';

/** The one network of the farm: a bridge with the station's addresses, and no way out. */
export const stationAddress = '10.83.0.1';
export const stationAddressV6 = 'fd4d:7573:7465::1';
const bridge = 'mst-lan';

/** Set for programs that run inside the farm's network, to the process id of the run. */
export const insideLanVariable = 'MUSTER_FARM_LAN';

/** Where devices live while they run; in memory, mounted by with-lan.ts, seen by this run only. */
export const farmFolder = '/run/muster-farm';

/** Makes this process's (new, empty) network namespace the farm's LAN. */
export async function createLan(): Promise<void> {
  await inOne([
    'link set lo up',
    `link add ${bridge} type bridge mcast_snooping 0`,
    `address add ${stationAddress}/24 dev ${bridge}`,
    `address add ${stationAddressV6}/64 dev ${bridge} nodad`,
    `link set ${bridge} up`,
    // For programs that look for devices by multicast and name no interface.
    `route add 224.0.0.0/4 dev ${bridge}`,
  ]);
}

export interface Port {
  /** The device's addresses on the LAN. */
  readonly address: string;
  readonly addressV6: string;
  /** Path of the device's own network namespace. */
  readonly namespace: string;
  /** Pulls the cable: nothing passes, and nobody is told. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /** Gives the device one more IPv4 address. */
  addAddress(): Promise<string>;
  remove(): Promise<void>;
}

/**
 * Joins a new network namespace to the LAN: its `eth0` has an IPv4 and an IPv6 address and a Raspberry Pi's kind of
 * MAC. With a shape, its frames pass through a relay that delays and loses them.
 */
export async function addPort(name: string, shape?: LinkShape): Promise<Port> {
  const numbers = [takeNumber()];
  const [number = 0] = numbers;
  const address = addressOf(number);
  const addressV6 = `fd4d:7573:7465::${(9 + number).toString(16)}`;
  const space = `mst-${name}`;
  const cable = `mst${number}`;
  const undo: (() => Promise<unknown>)[] = [async () => numbers.forEach(releaseNumber)];
  const remove = () => undoAll(undo);
  try {
    await must('ip', ['netns', 'add', space]);
    undo.push(() => must('ip', ['netns', 'delete', space]));
    if (shape) {
      const relay = await startLinkRelay({ cable, far: `${cable}far`, space, shape });
      undo.push(() => relay.stop());
    } else {
      await inOne([`link add ${cable} type veth peer name eth0 netns ${space}`]);
      // Not left to the namespace's end: the kernel takes that in hand later, and the next device may get this number.
      undo.push(() => inOne([`link delete ${cable}`]));
    }
    await inOne([`link set ${cable} master ${bridge} up`]);
    await inOne(
      [
        'link set lo up',
        `link set eth0 address b8:27:eb:00:00:${(9 + number).toString(16).padStart(2, '0')}`,
        `address add ${address}/24 dev eth0`,
        `address add ${addressV6}/64 dev eth0 nodad`,
        'link set eth0 up',
      ],
      space,
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    ...{ address, addressV6, namespace: `/run/netns/${space}`, remove },
    cut: () => inOne([`link set ${cable} down`]),
    restore: () => inOne([`link set ${cable} up`]),
    addAddress: async () => {
      const more = takeNumber();
      numbers.push(more);
      await inOne([`address add ${addressOf(more)}/24 dev eth0`], space);
      return addressOf(more);
    },
  };
}

const addressOf = (number: number): string => `10.83.0.${9 + number}`;

const numbersFolder = path.join(farmFolder, 'ports');
const mostPorts = 240;

/** A number nobody else on this LAN has, from whatever process: a folder can be made only once. */
function takeNumber(): number {
  fs.mkdirSync(numbersFolder, { recursive: true });
  for (let number = 1; number <= mostPorts; number += 1) {
    try {
      fs.mkdirSync(path.join(numbersFolder, String(number)));
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  throw new Error(`The farm's network has no free address left: ${mostPorts} are in use.`);
}

function releaseNumber(number: number): void {
  fs.rmdirSync(path.join(numbersFolder, String(number)));
}

/** Several commands of ip(8) in one process, in a namespace or in the LAN. */
async function inOne(lines: readonly string[], space?: string): Promise<void> {
  await must('ip', [...(space ? ['-n', space] : []), '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
}

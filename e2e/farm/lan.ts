import { must } from './commands.ts';

/** The one network of the farm: a bridge with the station's address, and no way out. */
export const stationAddress = '10.83.0.1';
const bridge = 'mst-lan';
const prefixLength = 24;

/** Set for programs that run inside the farm's network, to the process id of the run. */
export const insideLanVariable = 'MUSTER_FARM_LAN';

/** Makes this process's (new, empty) network namespace the farm's LAN. */
export async function createLan(): Promise<void> {
  await must('ip', ['link', 'set', 'lo', 'up']);
  await must('ip', ['link', 'add', bridge, 'type', 'bridge']);
  await must('ip', ['address', 'add', `${stationAddress}/${prefixLength}`, 'dev', bridge]);
  await must('ip', ['link', 'set', bridge, 'up']);
}

export interface Port {
  /** The device's address on the LAN. */
  readonly address: string;
  /** Path of the device's own network namespace. */
  readonly namespace: string;
  remove(): Promise<void>;
}

let ports = 0;

/** Joins a new network namespace to the LAN, its `eth0` with an address and a Raspberry Pi's kind of MAC. */
export async function addPort(name: string): Promise<Port> {
  ports += 1;
  const number = ports;
  const address = `10.83.0.${9 + number}`;
  const mac = `b8:27:eb:00:00:${(9 + number).toString(16).padStart(2, '0')}`;
  const space = `mst-${name}`;
  const cable = `mst${number}`;
  await must('ip', ['netns', 'add', space]);
  const remove = async () => {
    await must('ip', ['netns', 'delete', space]);
  };
  try {
    await must('ip', ['link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space]);
    await must('ip', ['link', 'set', cable, 'master', bridge, 'up']);
    await must('ip', ['-n', space, 'link', 'set', 'eth0', 'address', mac]);
    await must('ip', ['-n', space, 'address', 'add', `${address}/${prefixLength}`, 'dev', 'eth0']);
    await must('ip', ['-n', space, 'link', 'set', 'lo', 'up']);
    await must('ip', ['-n', space, 'link', 'set', 'eth0', 'up']);
  } catch (error) {
    await remove();
    throw error;
  }
  return { address, namespace: `/run/netns/${space}`, remove };
}

import { setMaxListeners } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { Outcome } from '../../scripts/setup/processes.mjs';
import { type Availability, farmAvailable as machineAvailable } from './availability.ts';
import { deviceLayers, type PackageState } from './base-image.ts';
import { devicePassword, type Suite } from './base-recipe.ts';
import { undoAll } from './commands.ts';
import { type ConditionName, conditions } from './conditions/index.ts';
import { Container } from './container.ts';
import { makeDisk } from './device-disk.ts';
import { makeHostKeys, putHostKeys } from './host-keys.ts';
import { addPort, farmFolder, insideLanVariable } from './lan.ts';
import { raiseQuotas } from './quotas.ts';

export type { PackageState } from './base-image.ts';
export type { Suite } from './base-recipe.ts';
export type { ConditionName } from './conditions/index.ts';

export interface FarmDeviceRequest {
  /** Lower case letters, digits, dashes; also its host name. The same name has the same host keys every time. */
  readonly name: string;
  readonly suite?: Suite;
  readonly packages?: PackageState;
  /** What is awkward about it; see README.md. */
  readonly conditions?: readonly ConditionName[];
}

/** A booted Debian with systemd, an SSH server, Avahi, and a user who may use sudo without a password. */
export interface FarmDevice {
  readonly name: string;
  readonly suite: Suite;
  readonly packages: PackageState;
  readonly conditions: readonly ConditionName[];
  readonly address: string;
  readonly addressV6: string;
  readonly sshPort: number;
  readonly user: 'pi' | 'root';
  /** Password of `user`, for login and for sudo, where a condition makes it be asked for. */
  readonly password: string;
  /** OpenSSH private key (ed25519) that `user` accepts; the same one for all devices of a run. */
  readonly privateKeyFile: string;
  /** Public Ed25519 host key as in known_hosts, e.g. `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Runs a shell command as root on the device, past SSH: for looking, not for enrolling. */
  exec(command: string, options?: { limitMs?: number }): Promise<Outcome>;
  /** Pulls the network cable: nothing passes, and no connection is told. */
  cutLink(): Promise<void>;
  restoreLink(): Promise<void>;
  /** Boots it anew, in order; resolves when SSH answers again. Addresses, host keys and disk stay. */
  reboot(): Promise<void>;
  /** Pulls the power: every process is gone at once. The disk stays as it was written. */
  powerCut(): Promise<void>;
  /** Boots it after a power cut. */
  start(): Promise<void>;
  /** Cuts the power, gives it a fresh disk and boots it: a card flashed anew. Addresses and host keys stay. */
  reset(): Promise<void>;
  /** Makes it show new host keys, as another device at the same address would; gives the new `hostKey`. */
  changeHostKey(): Promise<string>;
  /** Gives the same device one more IPv4 address. */
  addAddress(): Promise<string>;
  /** Cuts the power and removes everything it had. */
  stop(): Promise<void>;
}

/** Whether devices can be started from here; they need the network that with-lan.ts makes. */
export function farmAvailable(): Availability {
  if (!process.env[insideLanVariable]) {
    return { ok: false, reason: 'Not inside the farm network: run it by `npm test -- farm`.' };
  }
  return machineAvailable();
}

/**
 * Boots a device of its own: the shared layers below, everything it writes in memory. Several may be started at once.
 * @throws {Error} when it does not boot in time, with its console output
 */
export async function startFarmDevice(request: FarmDeviceRequest): Promise<FarmDevice> {
  const { name, suite = 'bookworm', packages = 'offered', conditions: names = [] } = request;
  const chosen = names.map((condition) => conditions[condition]);
  const user = chosen.find(({ login }) => login?.user)?.login?.user ?? 'pi';
  const sshPort = chosen.find(({ login }) => login?.port)?.login?.port ?? 22;
  raiseQuotas();
  setMaxListeners(0, process); // Every device and every command listens for the end of this process.
  const more = chosen.flatMap((condition) => condition.packages ?? []);
  const layers = await deviceLayers(suite, packages, more);
  const folder = fs.mkdtempSync(path.join(farmFolder, `${name}-`));
  const undo: (() => Promise<unknown>)[] = [async () => fs.rmSync(folder, { recursive: true, force: true })];
  const stop = () => undoAll(undo);
  try {
    const port = await addPort(name, chosen.find(({ link }) => link)?.link);
    undo.push(() => port.remove());
    const disk = await makeDisk({ name, folder, layers, conditions: chosen });
    undo.push(() => disk.remove());
    const nspawn = chosen.flatMap((condition) => condition.nspawn ?? []);
    const container = new Container({ name, root: disk.root, namespace: port.namespace, sshPort, nspawn });
    undo.push(() => container.kill());
    await container.start();
    const exec: FarmDevice['exec'] = (command, options) => container.exec(command, options);
    return {
      ...{ name, suite, packages, conditions: names, user, sshPort, password: devicePassword },
      ...{ address: port.address, addressV6: port.addressV6, privateKeyFile: disk.privateKeyFile },
      get hostKey() {
        return disk.hostKey;
      },
      exec,
      cutLink: () => port.cut(),
      restoreLink: () => port.restore(),
      reboot: () => container.reboot(),
      powerCut: () => container.kill(),
      start: () => container.start(),
      reset: async () => {
        await container.kill();
        await disk.refresh();
        await container.start();
      },
      changeHostKey: async () => {
        const keys = fs.mkdtempSync(path.join(folder, 'keys-'));
        await makeHostKeys(keys);
        disk.hostKey = putHostKeys(disk.root, keys);
        await exec('systemctl restart ssh');
        return disk.hostKey;
      },
      addAddress: () => port.addAddress(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

// Makes a new VM, or takes up one that is there: its own disk over an image, seed, keys, firmware variables.
import fs from 'node:fs';
import { cacheFolder } from '../setup/paths.mjs';
import { capture } from '../setup/processes.mjs';
import { SetupProblem, say } from '../setup/report.mjs';
import type { StartOptions } from './arguments.ts';
import { freePort, isFree } from './free-port.ts';
import { type DiskImage, debianImage, localImage } from './image.ts';
import { freshKeyPair } from './keys.ts';
import type { Firmware } from './machine.ts';
import { seedImage } from './seed.ts';
import {
  freshInstanceId,
  freshPassword,
  sshHost,
  sshUser,
  type VmFolder,
  type VmRecord,
  writePrivately,
} from './vm-folder.ts';

const gibibyte = 1024 ** 3;
const usualDiskGiB = 8;

/**
 * Brings a VM's folder to where it can be started.
 * @throws {SetupProblem} when its image cannot be had, or it was made of another one
 */
export async function prepareVm(
  folder: VmFolder,
  options: StartOptions,
  firmware: Firmware,
  signal: AbortSignal,
): Promise<VmRecord> {
  const record = options.fresh ? undefined : folder.record();
  if (record === undefined) return await createVm(folder, options, firmware, signal);
  refuseOtherChoices(folder, record, options);
  const port = options.port ?? record.port;
  if (!(await isFree(sshHost, port))) throw portTaken(port, folder.name);
  const again = { ...record, port };
  folder.writeRecord(again);
  return again;
}

async function createVm(
  folder: VmFolder,
  options: StartOptions,
  firmware: Firmware,
  signal: AbortSignal,
): Promise<VmRecord> {
  const image = await imageFor(options, signal);
  folder.empty();
  const port = options.port ?? (await freePort(sshHost, 2_222));
  if (!(await isFree(sshHost, port))) throw portTaken(port, folder.name);
  const hostKey = freshKeyPair(`root@${folder.name}`);
  const record: VmRecord = {
    image,
    port,
    instanceId: freshInstanceId(),
    hostKey: hostKey.publicKey,
    ...(options.sudoPassword ? { sudoPassword: freshPassword() } : {}),
  };
  const seed = seedImage({
    hostname: folder.name,
    instanceId: record.instanceId,
    user: sshUser,
    authorizedKey: folder.makeLoginKey(),
    hostKey,
    ...(record.sudoPassword === undefined ? {} : { sudoPassword: record.sudoPassword }),
  });
  writePrivately(folder.seed, seed);
  fs.copyFileSync(firmware.variables, folder.variables);
  fs.chmodSync(folder.variables, 0o600);
  await makeOverlay(image, folder.disk, (options.diskGiB ?? usualDiskGiB) * gibibyte);
  folder.writeRecord(record); // Last: from now on it counts as made.
  return record;
}

async function imageFor(options: StartOptions, signal: AbortSignal): Promise<DiskImage> {
  const choice = options.image ?? { kind: 'debian', release: 'bookworm' };
  return choice.kind === 'file'
    ? localImage(choice.file)
    : await debianImage(choice, cacheFolder('vm', 'images'), { signal });
}

/** A disk of its own over an image that stays as it is. Never smaller than the image. */
async function makeOverlay(image: DiskImage, disk: string, bytes: number): Promise<void> {
  const size = Math.max(bytes, await virtualSize(image));
  const args = ['create', '-q', '-f', 'qcow2', '-b', image.file, '-F', image.format, disk, String(size)];
  const { code, stderr } = await capture('qemu-img', args);
  if (code !== 0) throw new SetupProblem(`The VM's disk cannot be made over ${image.file}: ${stderr.trim()}`);
}

async function virtualSize(image: DiskImage): Promise<number> {
  const { code, stdout, stderr } = await capture('qemu-img', [
    'info',
    '--output=json',
    '-f',
    image.format,
    image.file,
  ]);
  if (code !== 0) throw new SetupProblem(`${image.file} cannot be used as an image: ${stderr.trim()}`);
  return Number(JSON.parse(stdout)['virtual-size']);
}

/** What was decided when the VM was made cannot be changed by starting it again, and is not quietly ignored. */
function refuseOtherChoices(folder: VmFolder, record: VmRecord, options: StartOptions): void {
  const begin = 'Start it without that option, give another --name, or begin anew';
  const anew = `npm run vm -- --name ${folder.name} --fresh`;
  if (options.image?.kind === 'file' && localImage(options.image.file).file !== record.image.file) {
    throw new SetupProblem(`The VM ${folder.name} was made of ${record.image.file}. ${begin}.`, anew);
  }
  if (options.image?.kind === 'debian') {
    throw new SetupProblem(
      `The VM ${folder.name} is there already; --release and --date choose for a new one. ${begin}.`,
      anew,
    );
  }
  if (options.diskGiB !== undefined) {
    throw new SetupProblem(`The VM ${folder.name} has its disk already. ${begin}.`, anew);
  }
  if (options.sudoPassword && record.sudoPassword === undefined) {
    throw new SetupProblem(
      `The VM ${folder.name} was made with a sudo that asks for nothing. ${begin}.`,
      anew,
    );
  }
  if (!fs.existsSync(record.image.file)) {
    throw new SetupProblem(
      `The image that the VM ${folder.name} stands on is gone: ${record.image.file}.`,
      anew,
    );
  }
  say('vm', `${folder.name} is there already, starting it again (--fresh begins anew)`);
}

function portTaken(port: number, name: string): SetupProblem {
  return new SetupProblem(
    `Port ${port} is in use on this computer.`,
    `npm run vm -- --name ${name} --port ${port + 1}`,
  );
}

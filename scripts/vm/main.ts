// npm run vm: what each of its words does.
import { accessSync, constants, existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { capture } from '../setup/processes.mjs';
import { runMain, SetupProblem, say } from '../setup/report.mjs';
import { hasProgram, installSystemLibraries } from '../setup/system-libraries.mjs';
import { readVmArguments, type StartOptions, usage, type VmArguments } from './arguments.ts';
import { prepareVm } from './create.ts';
import { acceleratorFor, type Firmware, findFirmware } from './machine.ts';
import { qemuProgram } from './qemu.ts';
import { runVm } from './run.ts';
import { listenForStop } from './stop-signals.ts';
import { describeVm, VmFolder, vmNames } from './vm-folder.ts';

/** Longer than the longest shutdown. */
const stopLimitMs = 150_000;

/**
 * The whole command. It explains its failures by itself: seen from plain JavaScript, the loader's modules are others,
 * and their `SetupProblem` would look like a bug.
 * @returns exit status: 0, 1 when it did not work, 2 for words it does not know, 130 when it was interrupted
 */
export async function main(args: readonly string[]): Promise<number> {
  await runMain(async () => await vm(args));
  return Number(process.exitCode ?? 0);
}

/**
 * Does what the words after `npm run vm --` ask for.
 * @throws {SetupProblem} when it does not work
 */
async function vm(args: readonly string[]): Promise<number> {
  let wanted: VmArguments;
  try {
    wanted = readVmArguments(args);
  } catch (error) {
    process.stderr.write(`vm: ${error instanceof Error ? error.message : error}\n\n${usage}\n`);
    return 2;
  }
  switch (wanted.action) {
    case 'help':
      process.stdout.write(`${usage}\n`);
      return 0;
    case 'list':
      process.stdout.write(
        vmNames()
          .map((name) => `${describeVm(new VmFolder(name))}\n`)
          .join(''),
      );
      return 0;
    case 'stop':
      return await stopVm(new VmFolder(wanted.name));
    case 'start':
      return await startVm(wanted);
  }
}

async function startVm(options: StartOptions): Promise<number> {
  const { stop, cut, status } = listenForStop();
  const firmware = await whatItNeeds();
  const folder = new VmFolder(options.name);
  const claim = folder.claim();
  try {
    const record = await prepareVm(folder, options, firmware, stop);
    const accelerator = acceleratorFor({ platform: process.platform, arch: process.arch, kvm: hasKvm() });
    return await runVm(folder, record, options, { accelerator, firmware, stop, cut });
  } catch (error) {
    if (stop.aborted && !(error instanceof SetupProblem)) return status();
    throw error;
  } finally {
    claim.release();
  }
}

/** QEMU and its firmware. @throws {SetupProblem} with the one command that brings them */
async function whatItNeeds(): Promise<Firmware> {
  await installSystemLibraries({ vm: true });
  const install =
    process.platform === 'darwin' ? 'brew install qemu' : 'install qemu-system-aarch64 and qemu-img';
  for (const program of [qemuProgram, 'qemu-img']) {
    if (!hasProgram(program)) throw new SetupProblem(`${program} is not installed.`, install);
  }
  const firmware = findFirmware(existsSync);
  if (firmware === undefined)
    throw new SetupProblem('There is no UEFI firmware for 64-bit ARM here.', install);
  return firmware;
}

/** Asks the process that runs a VM to shut it down, and waits for it. */
async function stopVm(folder: VmFolder): Promise<number> {
  const owner = folder.owner();
  if (owner === undefined || !(await isVmScript(owner))) {
    say('vm', `${folder.name} does not run`);
    return 0;
  }
  process.kill(owner, 'SIGTERM');
  const giveUpAt = Date.now() + stopLimitMs;
  while (folder.owner() !== undefined) {
    if (Date.now() > giveUpAt) throw new SetupProblem(`${folder.name} does not go down.`, `kill -9 ${owner}`);
    await pause(200);
  }
  say('vm', `${folder.name} is down`);
  return 0;
}

/** Whether a process is this script: after a crash its number may be somebody else's. */
async function isVmScript(pid: number): Promise<boolean> {
  const { stdout } = await capture('ps', ['-o', 'args=', '-p', String(pid)]);
  return stdout.includes('vm.mjs');
}

function hasKvm(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false; // Not there, or not for this user: both mean emulation.
  }
}

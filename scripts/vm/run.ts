// Boots a VM, follows it until SSH answers, says how to reach it, and shuts it down at the end.
import fs from 'node:fs';
import { printable } from '#shared/model/printable.ts';
import { SetupProblem, say } from '../setup/report.mjs';
import type { StartOptions } from './arguments.ts';
import { followConsole, lastLines, readConsole } from './console.ts';
import { keyBlob } from './keys.ts';
import { type Accelerator, type Firmware, qemuArguments } from './machine.ts';
import { type Qemu, startQemu } from './qemu.ts';
import { howToReach } from './reach.ts';
import { sshHost, sshUser, type VmFolder, type VmRecord } from './vm-folder.ts';
import { commandOverSsh, NotReachable } from './wait-for-ssh.ts';

/** What the VM is asked when it answers: that its set-up is over, and what it is. Without cloud-init it is over too. */
const lookInside =
  'cloud-init status --wait >/dev/null 2>&1; . /etc/os-release; echo "$PRETTY_NAME, $(uname -m), kernel $(uname -r)"';

/** Status of a command that was interrupted, as shells have it. */
const interrupted = 130;

export interface RunContext {
  readonly accelerator: Accelerator;
  readonly firmware: Firmware;
  /** Shuts the VM down. */
  readonly stop: AbortSignal;
  /** Cuts its power while it is shut down. */
  readonly cut: AbortSignal;
}

/**
 * Runs a VM until it is stopped or goes down by itself.
 * @returns exit status of the command
 * @throws {SetupProblem} when it does not come up
 */
export async function runVm(
  folder: VmFolder,
  record: VmRecord,
  options: StartOptions,
  { accelerator, firmware, stop, cut }: RunContext,
): Promise<number> {
  fs.writeFileSync(folder.console, '', { mode: 0o600 });
  const { disk, seed, variables, console } = folder;
  const files = { disk, seed, variables, console, firmware: firmware.code };
  const qemu = startQemu(qemuArguments({ ...options, port: record.port }, accelerator, files));
  const startedAt = Date.now();
  const seconds = (): number => Math.round((Date.now() - startedAt) / 1_000);
  say('vm', `starting ${folder.name} ${accelerator.says}`);
  const died = new AbortController();
  let lastWords = '';
  void qemu.ended.then((messages) => {
    lastWords = messages;
    died.abort();
  });
  const over = AbortSignal.any([stop, died.signal]);
  const unfollow = followConsole(folder.console, (milestone) => say('vm', `${seconds()} s: ${milestone}`));
  try {
    const limitMs = (options.limitSeconds ?? accelerator.limitSeconds) * 1_000;
    const about = await commandOverSsh(loginOf(folder, record), lookInside, { limitMs, signal: over });
    say('vm', `${folder.name} is up after ${seconds()} s: ${printable(about.trim())}`);
    process.stdout.write(howToReach(folder, record, options.offline));
    await aborted(over);
  } catch (error) {
    if (!over.aborted) {
      qemu.kill();
      await qemu.ended;
      throw error instanceof NotReachable ? notReachable(folder, seconds(), error.message) : error;
    }
    if (!stop.aborted) throw wentDown(folder, lastWords);
    qemu.kill(); // Nobody worked on it yet: there is nothing to save.
    await qemu.ended;
    return interrupted;
  } finally {
    unfollow();
  }
  if (died.signal.aborted) {
    if (lastWords !== '') throw wentDown(folder, lastWords);
    say('vm', `${folder.name} has shut down`);
    return 0;
  }
  await shutDown(qemu, folder.name, accelerator, cut);
  return 0;
}

async function shutDown(qemu: Qemu, name: string, accelerator: Accelerator, cut: AbortSignal): Promise<void> {
  say('vm', `shutting ${name} down (once more cuts its power)`);
  cut.addEventListener('abort', () => qemu.kill(), { once: true });
  const startedAt = Date.now();
  const wentDown = await qemu.powerDown(accelerator.kind === 'emulation' ? 120_000 : 30_000);
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  say(
    'vm',
    wentDown && !cut.aborted
      ? `${name} is down after ${seconds} s`
      : `${name} did not go down, its power was cut`,
  );
}

function loginOf(folder: VmFolder, record: VmRecord) {
  const privateKey = fs.readFileSync(folder.privateKey, 'utf8');
  return { host: sshHost, port: record.port, user: sshUser, privateKey, hostKey: keyBlob(record.hostKey) };
}

function notReachable(folder: VmFolder, seconds: number, reason: string): SetupProblem {
  return new SetupProblem(
    `${folder.name} could not be reached by SSH within ${seconds} s (${reason}). ${consoleSays(folder)}`,
    `npm run vm -- --name ${folder.name} --limit 1800`,
  );
}

function wentDown(folder: VmFolder, lastWords: string): SetupProblem {
  return new SetupProblem(`The virtual machine ended by itself. ${lastWords}\n${consoleSays(folder)}`);
}

function consoleSays(folder: VmFolder): string {
  const lines = lastLines(readConsole(folder.console), 8);
  return `The end of its console, ${folder.console}:\n${lines.map((line) => `    ${line}`).join('\n')}`;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { killGroup } from '../../scripts/setup/processes.mjs';

/** Runs the programs of 64-bit ARM on another processor; statically linked, so that it works inside a chroot. */
const interpreter = '/usr/bin/qemu-aarch64-static';

/** How the kernel knows an executable of 64-bit ARM, in the form of its `binfmt_misc`. `F` opens the interpreter now. */
const registration = [
  ':muster-aarch64:M:',
  String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`,
  String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`,
  `${interpreter}:F`,
].join(':');

/**
 * Runs a program in a root folder made for 64-bit ARM. On another processor it is emulated, by a `binfmt_misc` of its
 * own in a user namespace (Linux 6.7): nothing is registered on this machine, and everything ends with this process.
 * Needs root. There is no network.
 * @throws {Error} with the end of what it printed
 */
export async function inArmRoot(root: string, program: readonly string[], limitMs: number): Promise<void> {
  const emulate = [
    'mount -t binfmt_misc muster /proc/sys/fs/binfmt_misc',
    `printf '%s' '${registration}' > /proc/sys/fs/binfmt_misc/register`,
  ];
  const script = [
    'set -e',
    'read go', // The rights of root are given to the namespace from outside, after it was made.
    'mount -t proc proc /proc',
    ...(process.arch === 'arm64' ? [] : emulate),
    'mount -t proc proc "$0/proc"',
    'exec chroot "$0" "$@"',
  ];
  const spaces = [
    '--user',
    '--mount',
    '--net',
    '--pid',
    '--fork',
    '--kill-child',
    '--propagation',
    'private',
  ];
  const words = [
    '--pdeathsig',
    'KILL',
    'unshare',
    ...spaces,
    'sh',
    '-c',
    script.join('\n'),
    root,
    ...program,
  ];
  // `container`: debootstrap then takes the device files that are there, instead of trying to make its own.
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', container: 'lxc' };
  const child = spawn('setpriv', words, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-8_000);
    });
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `ended with ${code ?? signal}`));
  });
  const timer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), limitMs);
  try {
    child.stdin.on('error', () => undefined); // It ended early; `ended` says so.
    await giveAllUsers(child.pid ?? 0, ended);
    child.stdin.end('go\n');
    const failure = await ended;
    if (failure !== '') {
      throw new Error(`${program.join(' ')} ${failure}: ${output.trim().split('\n').slice(-8).join('\n')}`);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Makes every user and group of this machine the same one in a process's new user namespace. */
async function giveAllUsers(pid: number, ended: Promise<string>): Promise<void> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const own = fs.readlinkSync('/proc/self/ns/user');
  const spaceOf = (): string | undefined => {
    try {
      return fs.readlinkSync(`/proc/${pid}/ns/user`);
    } catch {
      return undefined; // Gone already.
    }
  };
  while (!over && spaceOf() === own) await pause(5);
  if (over) return;
  for (const map of ['uid_map', 'gid_map']) fs.writeFileSync(`/proc/${pid}/${map}`, '0 0 4294967295\n');
}

// The disk a VM is made of: Debian's cloud image, downloaded once and checked, or a file of one's own.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { streamDigest } from '../setup/digest.mjs';
import { withLock } from '../setup/lock.mjs';
import { SetupProblem, say } from '../setup/report.mjs';
import { type ImageChoice, releases } from './arguments.ts';
import { downloadOrResume } from './resumed-download.ts';

/** Debian's own server for these images. Checksums are trusted because they come from it over https. */
export const debianServer = 'https://cloud.debian.org/images/cloud';

export interface DiskImage {
  /** Absolute path. Never written to. */
  readonly file: string;
  readonly format: 'qcow2' | 'raw';
}

/** Where one of Debian's images lies on the server, and what it is called there. */
export function debianSource(
  choice: Extract<ImageChoice, { kind: 'debian' }>,
  server: string = debianServer,
): { readonly folder: string; readonly stem: string } {
  const stem = `debian-${releases[choice.release]}-genericcloud-arm64`;
  return choice.date === undefined
    ? { folder: `${server}/${choice.release}/latest`, stem }
    : { folder: `${server}/${choice.release}/${choice.date}`, stem: `${stem}-${choice.date}` };
}

/**
 * The SHA-512 of one file in the text of a SHA512SUMS file, in hexadecimal.
 * @returns nothing when the file is not listed under exactly this name
 */
export function sumOf(text: string, fileName: string): string | undefined {
  for (const line of text.split('\n')) {
    const [, sum, name] = /^([0-9a-f]{128}) [ *](\S+)\r?$/.exec(line) ?? [];
    if (name === fileName) return sum;
  }
  return undefined;
}

/**
 * One of Debian's images in the cache; downloaded when the server has another one than the cache, and kept only when
 * its SHA-512 is the one that the server names. Without a network the cached one is used, and that is said.
 * @param folder of the cache
 * @throws {SetupProblem} when it cannot be had
 */
export async function debianImage(
  choice: Extract<ImageChoice, { kind: 'debian' }>,
  folder: string,
  { server = debianServer, signal }: { server?: string; signal: AbortSignal },
): Promise<DiskImage> {
  const source = debianSource(choice, server);
  fs.mkdirSync(folder, { recursive: true });
  const answer = await fetchSums(`${source.folder}/SHA512SUMS`, signal);
  if (answer.sums === undefined) {
    const cached = newestCached(folder, source.stem);
    if (cached === undefined) {
      throw new SetupProblem(
        `Debian's image server cannot be used (${answer.reason}), and no image of it was downloaded before. ` +
          'An image that is here already can be given instead.',
        'npm run vm -- --image FILE',
      );
    }
    say('vm', `${answer.reason}; taking the image downloaded before, ${path.basename(cached)}`);
    return { file: cached, format: 'qcow2' };
  }
  const sum = sumOf(answer.sums, `${source.stem}.qcow2`);
  if (sum === undefined) {
    throw new SetupProblem(`${source.folder}/SHA512SUMS does not list ${source.stem}.qcow2.`);
  }
  // Named by its content: a newer "latest" comes beside it, and older VMs keep the one they stand on.
  const file = path.join(folder, `${source.stem}.${sum.slice(0, 16)}.qcow2`);
  await withLock(`${file}.lock`, async () => {
    if (fs.existsSync(file)) return;
    const part = `${file}.part`;
    say('vm', `downloading ${source.stem}.qcow2 from ${new URL(source.folder).host}`);
    await downloadOrResume(`${source.folder}/${source.stem}.qcow2`, part, signal);
    await keepIfRight(part, file, sum);
  });
  return { file, format: 'qcow2' };
}

type SumsAnswer = { readonly sums: string } | { readonly sums: undefined; readonly reason: string };

/** A SHA512SUMS file, or why it cannot be had now. @throws {SetupProblem} when the server says there is none */
async function fetchSums(url: string, signal: AbortSignal): Promise<SumsAnswer> {
  let reason = '';
  for (let attempt = 1; attempt <= 2; attempt++) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(20_000)]) });
      if (answer.status === 404) {
        throw new SetupProblem(`There is no ${url}: Debian keeps no images of that release and date.`);
      }
      if (!staysOnHttps(url, answer.url)) {
        throw new SetupProblem(`${url} leads to an address without https, ${answer.url}.`);
      }
      if (answer.ok) return { sums: await answer.text() };
      reason = `it answers ${answer.status}`;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SetupProblem) throw error;
      reason = causeOf(error);
    }
    if (attempt === 1) await pause(1_000, undefined, { signal });
  }
  return { sums: undefined, reason: `${new URL(url).host}: ${reason}` };
}

/** Whether a redirect left https: the checksums are what the image is trusted by. */
export function staysOnHttps(asked: string, answered: string): boolean {
  return !asked.startsWith('https:') || answered.startsWith('https:');
}

/** The reason below `fetch failed`, e.g. that a name cannot be resolved. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

async function keepIfRight(part: string, file: string, sum: string): Promise<void> {
  const actual = await streamDigest(part, { algorithm: 'sha512', encoding: 'hex' });
  if (actual !== sum) {
    fs.rmSync(part, { force: true });
    throw new SetupProblem(
      `The downloaded image is not the one that SHA512SUMS names and was thrown away (SHA-512 ${actual.slice(0, 16)}…, ` +
        `expected ${sum.slice(0, 16)}…).`,
    );
  }
  fs.chmodSync(part, 0o444);
  fs.renameSync(part, file);
}

function newestCached(folder: string, stem: string): string | undefined {
  const pattern = new RegExp(`^${stem}\\.[0-9a-f]{16}\\.qcow2$`);
  const files = fs.readdirSync(folder).filter((name) => pattern.test(name));
  const changedAt = (name: string): number => fs.statSync(path.join(folder, name)).mtimeMs;
  const [newest] = files.sort((one, other) => changedAt(other) - changedAt(one));
  return newest === undefined ? undefined : path.join(folder, newest);
}

/**
 * An image of one's own, with its format found out by its first bytes.
 * @throws {SetupProblem} when there is no such file, or it is neither qcow2 nor a disk with a partition table
 */
export function localImage(file: string): DiskImage {
  const absolute = path.resolve(file);
  if (!fs.statSync(absolute, { throwIfNoEntry: false })?.isFile()) {
    throw new SetupProblem(`There is no image file ${absolute}.`);
  }
  const head = Buffer.alloc(4_104);
  const handle = fs.openSync(absolute, 'r');
  try {
    fs.readSync(handle, head, 0, head.length, 0);
  } finally {
    fs.closeSync(handle);
  }
  const format = formatOf(head);
  if (format === undefined) {
    const packed = isPacked(head) ? ' It is compressed: unpack it first.' : '';
    throw new SetupProblem(
      `${absolute} is neither a qcow2 image nor a disk with a partition table.${packed}`,
    );
  }
  return { file: absolute, format };
}

/** The format of a disk image by its beginning: qcow2, or raw with a GPT (sectors of 512 or 4096 bytes) or an MBR. */
export function formatOf(head: Uint8Array): DiskImage['format'] | undefined {
  const text = (offset: number, length: number): string =>
    Buffer.from(head.subarray(offset, offset + length)).toString('latin1');
  if (text(0, 4) === 'QFI\xfb') return 'qcow2';
  if (text(512, 8) === 'EFI PART' || text(4_096, 8) === 'EFI PART') return 'raw';
  return head[510] === 0x55 && head[511] === 0xaa ? 'raw' : undefined;
}

function isPacked(head: Uint8Array): boolean {
  const magics = [
    [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    [0x1f, 0x8b],
    [0x28, 0xb5, 0x2f, 0xfd],
    [0x50, 0x4b, 0x03, 0x04],
  ];
  return magics.some((magic) => magic.every((byte, index) => head[index] === byte));
}

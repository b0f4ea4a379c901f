// The command line of `npm run vm`.
import { parseArgs } from 'node:util';

/** Debian releases there are images of, with their number in file names. */
export const releases = { bookworm: 12, trixie: 13 } as const;
export type Release = keyof typeof releases;

/** Where a new VM's disk comes from. */
export type ImageChoice =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'debian'; readonly release: Release; readonly date?: string };

export interface StartOptions {
  readonly action: 'start';
  readonly name: string;
  /** Absent: what the VM was made of, or Debian's latest for a new one. */
  readonly image?: ImageChoice;
  readonly ramMiB: number;
  readonly cpus: number;
  /** Port on 127.0.0.1; absent: the VM's last one, or the first free one. */
  readonly port?: number;
  /** Size of a new VM's disk; absent: 8, or what it was made with. */
  readonly diskGiB?: number;
  readonly fresh: boolean;
  readonly sudoPassword: boolean;
  readonly offline: boolean;
  /** What the VM's clock shows when it starts, UTC, as `2020-01-31T12:00:00`. */
  readonly clock?: string;
  readonly limitSeconds?: number;
}

export type VmArguments =
  | StartOptions
  | { readonly action: 'stop'; readonly name: string }
  | { readonly action: 'list' }
  | { readonly action: 'help' };

export const usage = `npm run vm -- [start|stop|list] [options]

  A Debian for 64-bit ARM in a virtual machine, the base of Raspberry Pi OS, ready to be enrolled.

  --name NAME          which VM; its host name too (pi)
  --release RELEASE    bookworm or trixie (bookworm)
  --date DATE          a pinned image, as its folder is called at Debian: 20260112-2355
  --image FILE         an image of your own, qcow2 or raw; it is never written to
  --fresh              throw the VM's disk and keys away and begin anew
  --ram MIB            memory, 512 to 65536 (1024)
  --cpus N             processors, 1 to 8 (2)
  --disk GIB           size of the disk, 4 to 256 (8)
  --port PORT          where SSH answers on 127.0.0.1 (first free one from 2222)
  --sudo-password      sudo asks for a password, which is made and shown; else it asks for none
  --offline            the VM reaches no network; SSH from this computer still works
  --clock TIME         start with this clock, UTC: 2020-01-31T12:00:00
  --limit SECONDS      how long to wait for SSH (180; 900 without KVM)
  --stop               the same as stop: shut the VM down

  Ctrl-C shuts it down. What it needs is kept in ~/.cache/muster/vm.`;

const options = {
  name: { type: 'string', default: 'pi' },
  release: { type: 'string' },
  date: { type: 'string' },
  image: { type: 'string' },
  fresh: { type: 'boolean', default: false },
  ram: { type: 'string', default: '1024' },
  cpus: { type: 'string', default: '2' },
  disk: { type: 'string' },
  port: { type: 'string' },
  'sudo-password': { type: 'boolean', default: false },
  offline: { type: 'boolean', default: false },
  clock: { type: 'string' },
  limit: { type: 'string' },
  stop: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Reads the words after `npm run vm --`.
 * @throws {Error} with a sentence for a person
 */
export function readVmArguments(args: readonly string[]): VmArguments {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  if (values.help) return { action: 'help' };
  const [word, ...more] = positionals;
  if (more.length > 0 || (word !== undefined && !['start', 'stop', 'list'].includes(word))) {
    throw new Error(`"${more[0] ?? word}" is not a word of this command: start, stop, list.`);
  }
  if (word === 'list') return { action: 'list' };
  const name = readName(values.name);
  if (values.stop || word === 'stop') return { action: 'stop', name };
  const image = readImage(values);
  if (values.clock !== undefined) checkClock(values.clock);
  return {
    action: 'start',
    name,
    ...(image ? { image } : {}),
    ramMiB: readNumber('--ram', values.ram, 512, 65_536),
    cpus: readNumber('--cpus', values.cpus, 1, 8),
    ...(values.disk === undefined ? {} : { diskGiB: readNumber('--disk', values.disk, 4, 256) }),
    ...(values.port === undefined ? {} : { port: readNumber('--port', values.port, 1, 65_535) }),
    fresh: values.fresh,
    sudoPassword: values['sudo-password'],
    offline: values.offline,
    ...(values.clock === undefined ? {} : { clock: values.clock }),
    ...(values.limit === undefined ? {} : { limitSeconds: readNumber('--limit', values.limit, 10, 7_200) }),
  };
}

/** A host name of one part (RFC 1123), short enough for a folder and a machine name everywhere. */
function readName(name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    throw new Error(`--name takes 1 to 32 of a-z, 0-9 and "-", not "${name}".`);
  }
  return name;
}

function readImage({
  image,
  release,
  date,
}: {
  readonly image?: string;
  readonly release?: string;
  readonly date?: string;
}): ImageChoice | undefined {
  if (image !== undefined) {
    if (release !== undefined || date !== undefined) {
      throw new Error('--image is a file of your own: --release and --date do not go with it.');
    }
    return { kind: 'file', file: image };
  }
  if (release === undefined && date === undefined) return undefined;
  if (date !== undefined && !/^20\d{6}-\d{1,6}$/.test(date)) {
    throw new Error(`--date takes the name of a folder at Debian such as 20260112-2355, not "${date}".`);
  }
  return { kind: 'debian', release: readRelease(release ?? 'bookworm'), ...(date ? { date } : {}) };
}

function readRelease(text: string): Release {
  if (text === 'bookworm' || text === 'trixie') return text;
  throw new Error(`--release takes ${Object.keys(releases).join(' or ')}, not "${text}".`);
}

function readNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (!/^\d{1,6}$/.test(text) || number < least || number > most) {
    throw new Error(`${option} takes a number from ${least} to ${most}, not "${text}".`);
  }
  return number;
}

function checkClock(text: string): void {
  const wellFormed = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text);
  // A date that does not exist, such as the 31st of April, would come back as another one.
  if (
    !wellFormed ||
    Number.isNaN(Date.parse(`${text}Z`)) ||
    !new Date(`${text}Z`).toISOString().startsWith(text)
  ) {
    throw new Error(`--clock takes a time in UTC such as 2020-01-31T12:00:00, not "${text}".`);
  }
}

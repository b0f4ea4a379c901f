// A FAT16 file system made in memory: what firmware, Linux and cloud-init all read, with nothing to install for it.
// Layout after Microsoft's "FAT: General Overview of On-Disk Format", version 1.03.

/** A file of the image; folders follow from its path, which uses `/`. */
export interface FatFile {
  readonly path: string;
  readonly content: Uint8Array;
}

const sectorBytes = 512;
const entryBytes = 32;
const rootEntries = 512;
const reservedSectors = 1;
const fatCopies = 2;
/** Below this number of clusters a reader takes the file system for FAT12, above the other for FAT32. */
const clusterLimits = { least: 4_085, most: 65_524 };
const mebibyte = 1024 * 1024;
const endOfChain = 0xffff;
const attributes = { label: 0x08, folder: 0x10, archive: 0x20, longName: 0x0f };
/** 2024-01-01 in FAT's form: equal content gives equal bytes. */
const fixedDate = ((2024 - 1980) << 9) | (1 << 5) | 1;

interface Geometry {
  readonly sectors: number;
  readonly sectorsPerCluster: number;
  readonly fatSectors: number;
  readonly clusters: number;
}

/**
 * A FAT16 volume with these files. Its size in bytes is a multiple of 1 MiB, 4 MiB at least.
 * @param label of the volume, upper case, at most 11 characters
 * @throws {RangeError} when the label, a name or the amount of content does not fit
 */
export function fatImage(label: string, files: readonly FatFile[]): Uint8Array {
  if (!/^[A-Z0-9_ -]{1,11}$/.test(label)) throw new RangeError(`"${label}" is no label for a FAT volume.`);
  const contentBytes = files.reduce((sum, file) => sum + file.content.length, 0);
  const geometry = geometryFor(contentBytes, files.length);
  const volume = new Volume(geometry);
  volume.writeBootSector(label);
  volume.writeTree(label, treeOf(files));
  return volume.bytes;
}

/** Size and cluster size for an amount of content, with room for folders and the unused ends of clusters. */
function geometryFor(contentBytes: number, fileCount: number): Geometry {
  const room = Math.ceil(contentBytes * 1.02) + fileCount * 40_960 + mebibyte;
  const sectors = (Math.max(4, Math.ceil(room / mebibyte)) * mebibyte) / sectorBytes;
  for (let sectorsPerCluster = 1; sectorsPerCluster <= 64; sectorsPerCluster *= 2) {
    // Two bytes per cluster; counted without the table itself, so the table is never too short.
    const fatSectors = Math.ceil((sectors / sectorsPerCluster + 2) / (sectorBytes / 2));
    const rootSectors = (rootEntries * entryBytes) / sectorBytes;
    const dataSectors = sectors - reservedSectors - fatCopies * fatSectors - rootSectors;
    const clusters = Math.floor(dataSectors / sectorsPerCluster);
    if (clusters >= clusterLimits.least && clusters <= clusterLimits.most) {
      return { sectors, sectorsPerCluster, fatSectors, clusters };
    }
  }
  throw new RangeError(`${contentBytes} bytes are too much for a FAT16 volume.`);
}

type Tree = Map<string, Tree | Uint8Array>;

function treeOf(files: readonly FatFile[]): Tree {
  const root: Tree = new Map();
  for (const { path, content } of files) {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    let folder = root;
    for (const part of parts) {
      const below = folder.get(part) ?? new Map();
      if (!(below instanceof Map)) throw new RangeError(`${path} lies below a file.`);
      folder.set(part, below);
      folder = below;
    }
    if (folder.has(name)) throw new RangeError(`${path} is named twice.`);
    folder.set(name, content);
  }
  return root;
}

class Volume {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #geometry: Geometry;
  readonly #clusterBytes: number;
  readonly #rootOffset: number;
  readonly #dataOffset: number;
  #nextCluster = 2;

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
    this.bytes = new Uint8Array(geometry.sectors * sectorBytes);
    this.#view = new DataView(this.bytes.buffer);
    this.#clusterBytes = geometry.sectorsPerCluster * sectorBytes;
    this.#rootOffset = (reservedSectors + fatCopies * geometry.fatSectors) * sectorBytes;
    this.#dataOffset = this.#rootOffset + rootEntries * entryBytes;
  }

  writeBootSector(label: string): void {
    const { sectors, sectorsPerCluster, fatSectors } = this.#geometry;
    this.bytes.set([0xeb, 0x3c, 0x90], 0);
    this.#text('MSWIN4.1', 3);
    this.#view.setUint16(11, sectorBytes, true);
    this.bytes[13] = sectorsPerCluster;
    this.#view.setUint16(14, reservedSectors, true);
    this.bytes[16] = fatCopies;
    this.#view.setUint16(17, rootEntries, true);
    this.#view.setUint16(19, sectors < 0x1_0000 ? sectors : 0, true);
    this.bytes[21] = 0xf8;
    this.#view.setUint16(22, fatSectors, true);
    this.#view.setUint16(24, 32, true);
    this.#view.setUint16(26, 2, true);
    this.#view.setUint32(32, sectors < 0x1_0000 ? 0 : sectors, true);
    this.bytes[36] = 0x80;
    this.bytes[38] = 0x29;
    this.#view.setUint32(39, 0x4d55_5354, true);
    this.#text(label.padEnd(11), 43);
    this.#text('FAT16   ', 54);
    this.bytes.set([0x55, 0xaa], 510);
    this.#setFat(0, 0xfff8);
    this.#setFat(1, endOfChain);
  }

  writeTree(label: string, root: Tree): void {
    const entries = this.#entriesOf(root, 0);
    const table = concatenate([shortEntry(label.padEnd(11), attributes.label, 0, 0), ...entries]);
    if (table.length > rootEntries * entryBytes) throw new RangeError('Too many files in the root folder.');
    this.bytes.set(table, this.#rootOffset);
  }

  /** Stores what a folder holds and gives the folder's entries. */
  #entriesOf(folder: Tree, ownCluster: number): Uint8Array[] {
    const taken = new Set<string>();
    return [...folder].flatMap(([name, content]) => {
      const short = shortName(name, taken);
      const long = isShort(name) ? [] : longEntries(name, short);
      if (content instanceof Map) {
        const cluster = this.#storeFolder(content, ownCluster);
        return [...long, shortEntry(short, attributes.folder, cluster, 0)];
      }
      const cluster = content.length > 0 ? this.#store(content, this.#allocate(content.length)) : 0;
      return [...long, shortEntry(short, attributes.archive, cluster, content.length)];
    });
  }

  #storeFolder(folder: Tree, parentCluster: number): number {
    const names = [...folder.keys()];
    const slots = names.reduce((sum, name) => sum + 1 + (isShort(name) ? 0 : Math.ceil(name.length / 13)), 2);
    const cluster = this.#allocate(slots * entryBytes);
    const table = concatenate([
      shortEntry('.'.padEnd(11), attributes.folder, cluster, 0),
      shortEntry('..'.padEnd(11), attributes.folder, parentCluster, 0),
      ...this.#entriesOf(folder, cluster),
    ]);
    return this.#store(table, cluster);
  }

  /** Reserves a row of clusters, chains them and gives the first. */
  #allocate(byteCount: number): number {
    const first = this.#nextCluster;
    const count = Math.ceil(byteCount / this.#clusterBytes);
    this.#nextCluster += count;
    if (this.#nextCluster > this.#geometry.clusters + 2) throw new RangeError('The FAT volume is full.');
    for (let index = 0; index < count; index++) {
      this.#setFat(first + index, index === count - 1 ? endOfChain : first + index + 1);
    }
    return first;
  }

  #store(content: Uint8Array, firstCluster: number): number {
    this.bytes.set(content, this.#dataOffset + (firstCluster - 2) * this.#clusterBytes);
    return firstCluster;
  }

  #setFat(cluster: number, value: number): void {
    for (let copy = 0; copy < fatCopies; copy++) {
      const table = (reservedSectors + copy * this.#geometry.fatSectors) * sectorBytes;
      this.#view.setUint16(table + cluster * 2, value, true);
    }
  }

  #text(text: string, offset: number): void {
    this.bytes.set(new TextEncoder().encode(text), offset);
  }
}

/** True for a name that needs no long form: 8 and 3 characters, upper case. */
function isShort(name: string): boolean {
  return /^[A-Z0-9_-]{1,8}(\.[A-Z0-9_-]{1,3})?$/.test(name);
}

/** The eleven characters under which a name is stored, unique in its folder. */
function shortName(name: string, taken: Set<string>): string {
  if (!/^[\x21-\x7e ]{1,255}$/.test(name) || /["*/:<>?\\|]/.test(name)) {
    throw new RangeError(`"${name}" is no file name for a FAT volume.`);
  }
  const dot = name.lastIndexOf('.');
  const clean = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9_-]/g, '');
  const base = clean(dot > 0 ? name.slice(0, dot) : name);
  const ending = clean(dot > 0 ? name.slice(dot + 1) : '')
    .slice(0, 3)
    .padEnd(3);
  let short = `${base.slice(0, 8).padEnd(8)}${ending}`;
  for (let number = 1; !isShort(name) || taken.has(short); number++) {
    short = `${base.slice(0, 7 - String(number).length)}~${number}`.padEnd(8) + ending;
    if (!taken.has(short)) break;
  }
  taken.add(short);
  return short;
}

function shortEntry(name: string, attribute: number, cluster: number, size: number): Uint8Array {
  const entry = new Uint8Array(entryBytes);
  const view = new DataView(entry.buffer);
  entry.set(new TextEncoder().encode(name));
  entry[11] = attribute;
  for (const offset of [16, 18, 24]) view.setUint16(offset, fixedDate, true);
  view.setUint16(26, cluster, true);
  view.setUint32(28, size, true);
  return entry;
}

/** Where the 13 characters of a long-name entry lie. */
const longNameOffsets = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

function longEntries(name: string, short: string): Uint8Array[] {
  const checksum = new TextEncoder()
    .encode(short)
    .reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
  const count = Math.ceil(name.length / 13);
  return Array.from({ length: count }, (_, index) => {
    const order = count - index; // The last part comes first.
    const entry = new Uint8Array(entryBytes);
    const view = new DataView(entry.buffer);
    entry[0] = order | (index === 0 ? 0x40 : 0);
    entry[11] = attributes.longName;
    entry[13] = checksum;
    for (const [position, offset] of longNameOffsets.entries()) {
      const at = (order - 1) * 13 + position;
      const unit = at < name.length ? name.charCodeAt(at) : at === name.length ? 0 : 0xffff;
      view.setUint16(offset, unit, true);
    }
    return entry;
  });
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

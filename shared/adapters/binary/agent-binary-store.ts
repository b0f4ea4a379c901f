import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { waitUnlessAborted } from '../../engine/limits.ts';
import type { AgentBinary, AgentBinaryStore } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { openRegularFile } from '../system/read-limited.ts';
import { ELF_HEADER_BYTES, readElfHeader } from './elf.ts';

const CHUNK_BYTES = 256 * 1024;

/** A file that was opened, judged and hashed. Its descriptor stays open: what was hashed is what is sent. */
interface KnownFile {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly architecture: string | undefined;
  readonly machine: string;
  readonly sha256: string;
}

/**
 * The file in pieces, in two buffers by turns: a new one for every piece would keep the garbage collector busier than
 * the reading is. A piece holds until the next but one is asked for.
 */
async function* readChunks(handle: FileHandle, sizeBytes: number, path: string): AsyncGenerator<Uint8Array> {
  const largest = Math.min(CHUNK_BYTES, sizeBytes);
  let [chunk, other] = [Buffer.allocUnsafe(largest), Buffer.allocUnsafe(largest)];
  let position = 0;
  while (position < sizeBytes) {
    [chunk, other] = [other, chunk];
    const { bytesRead } = await handle.read(chunk, 0, Math.min(largest, sizeBytes - position), position);
    if (bytesRead === 0) throw unusable(path, 'The file became shorter while it was read.');
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

function unusable(path: string, evidence: string, architecture = 'this architecture', cause?: unknown) {
  return new EnrollmentError('AGENT_BINARY_MISSING', {
    details: { path, architecture },
    subject: path,
    evidence,
    ...(cause === undefined ? {} : { cause }),
  });
}

async function judge(handle: FileHandle, path: string): Promise<KnownFile> {
  const { size: sizeBytes } = await handle.stat();
  const header = Buffer.alloc(ELF_HEADER_BYTES);
  const { bytesRead } = await handle.read(header, 0, header.length, 0);
  const elf = readElfHeader(header.subarray(0, bytesRead));
  if (elf.kind === 'not-elf') {
    throw new EnrollmentError('AGENT_BINARY_NOT_ELF', {
      details: { path },
      subject: path,
      evidence: elf.why,
    });
  }
  const hash = createHash('sha256');
  for await (const chunk of readChunks(handle, sizeBytes, path)) hash.update(chunk);
  return {
    handle,
    sizeBytes,
    architecture: elf.kind === 'program' ? elf.architecture : undefined,
    machine: elf.kind === 'program' ? elf.architecture : elf.machine,
    sha256: hash.digest('hex'),
  };
}

/** A store that keeps the descriptors of its files until it is closed. */
export interface FileAgentBinaryStore extends AgentBinaryStore {
  close(): Promise<void>;
}

/**
 * Agent binaries on the station's disk. A file is hashed once for each (path, inode, size, modification time),
 * also when many devices ask at the same time.
 */
export function createAgentBinaryStore(): FileAgentBinaryStore {
  const known = new Map<string, Promise<KnownFile>>();
  // One descriptor per version of a file that was ever asked for: a handful. Closing one earlier could take it
  // from a device that is about to be sent the file.
  const handles = new Set<FileHandle>();

  async function knownFile(path: string, architecture: string): Promise<KnownFile> {
    const handle = await openRegularFile(path).catch((cause: unknown) => {
      throw unusable(path, cause instanceof Error ? cause.message : String(cause), architecture, cause);
    });
    const stat = await handle.stat({ bigint: true });
    const version = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${path}`;
    const earlier = known.get(version);
    if (earlier !== undefined) {
      await handle.close();
      return earlier;
    }
    const judged = judge(handle, path);
    known.set(version, judged);
    handles.add(handle);
    judged.catch(() => {
      known.delete(version);
      handles.delete(handle);
      return handle.close();
    });
    return judged;
  }

  return {
    open: async (path, architecture, signal): Promise<AgentBinary> => {
      signal.throwIfAborted();
      const file = await waitUnlessAborted(knownFile(path, architecture), signal);
      if (file.architecture !== architecture) {
        throw new EnrollmentError('AGENT_BINARY_WRONG_ARCHITECTURE', {
          details: { path, actual: file.machine, expected: architecture },
          subject: path,
        });
      }
      const { handle, sizeBytes, sha256 } = file;
      return { path, sizeBytes, sha256, architecture, chunks: () => readChunks(handle, sizeBytes, path) };
    },
    close: async () => {
      known.clear();
      await Promise.all([...handles].map((handle) => handle.close()));
      handles.clear();
    },
  };
}

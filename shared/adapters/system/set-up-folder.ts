import { chmod, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describeThrown, EnrollmentError } from '../../errors/enrollment-error.ts';
import type { SetUpFolder } from '../../setup/administration.ts';
import { readLimitedText } from './read-limited.ts';

const LIMIT_BYTES = 1024 * 1024;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * The folder of a set-up's results. Folders and files are for this account alone, since keys are among them; a key file
 * that others may read is taken back from them.
 */
export function createSetUpFolder(folder: string): SetUpFolder {
  const path = resolve(folder);

  function refused(name: string, thrown: unknown): EnrollmentError {
    const file = join(path, name);
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    const problem = code === 'EEXIST' ? 'it is there already' : 'it cannot be used';
    return new EnrollmentError('STATION_SETUP_FILE_REFUSED', {
      details: { path: file, problem },
      ...{ subject: file, evidence: describeThrown(thrown), cause: thrown },
    });
  }

  /** Writes the file beside its place, down to the disk: a key exists nowhere else, and half of one is none. */
  async function writeBeside(name: string, text: string): Promise<string> {
    const beside = join(path, `${name}.part`);
    await mkdir(dirname(beside), { recursive: true, mode: FOLDER_MODE });
    await rm(beside, { force: true });
    const handle = await open(beside, 'wx', FILE_MODE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return beside;
  }

  async function create(name: string, text: string): Promise<void> {
    const beside = await writeBeside(name, text);
    try {
      // Unlike a rename, a link never takes the place of a file that is there.
      await link(beside, join(path, name));
    } finally {
      await rm(beside, { force: true });
    }
  }

  return {
    path,
    read: async (name, signal) => {
      const file = join(path, name);
      try {
        const { mode } = await stat(file);
        if (name.startsWith('keys/') && process.platform !== 'win32' && (mode & 0o077) !== 0) {
          await chmod(file, FILE_MODE);
        }
        return (await readLimitedText(file, LIMIT_BYTES, signal)).text;
      } catch (thrown) {
        signal.throwIfAborted();
        if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
        throw refused(name, thrown);
      }
    },
    create: async (name, text, signal) => {
      signal.throwIfAborted();
      await create(name, text).catch((thrown: unknown) => {
        throw refused(name, thrown);
      });
    },
    replace: async (name, text, signal) => {
      signal.throwIfAborted();
      try {
        await rename(await writeBeside(name, text), join(path, name));
      } catch (thrown) {
        throw refused(name, thrown);
      }
    },
    remove: async (name) => {
      await rm(join(path, name), { force: true }).catch((thrown: unknown) => {
        throw refused(name, thrown);
      });
    },
  };
}

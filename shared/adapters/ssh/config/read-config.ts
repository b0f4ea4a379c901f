import { readdir } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { EnrollmentError } from '../../../errors/enrollment-error.ts';
import { readLimitedText } from '../../system/read-limited.ts';
import { matchesPattern } from '../hosts/host-pattern.ts';
import { type Block, ConfigError, type Include, parseConfig } from './parse-config.ts';

/** A configuration with what it includes, ready to be asked about hosts without any more reading. */
export interface LoadedConfig {
  readonly path: string;
  readonly blocks: readonly Block[];
  readonly included: ReadonlyMap<Include, readonly LoadedConfig[]>;
}

const LIMIT_BYTES = 1024 * 1024;
const MOST_FILES = 100;
/** As deep as OpenSSH goes. */
const MOST_DEPTH = 16;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Reads a configuration and the files it includes; patterns in the last part of a name are filled from the folder.
 * @param home folder that `~` stands for, and whose .ssh relative names are seen from
 * @throws STATION_SSH_CONFIG_UNUSABLE, or the signal's reason
 */
export async function readConfig(path: string, home: string, signal: AbortSignal): Promise<LoadedConfig> {
  let files = 0;

  const load = async (file: string, depth: number): Promise<LoadedConfig> => {
    files += 1;
    if (files > MOST_FILES || depth > MOST_DEPTH) throw configProblem(path, 'it includes too many files');
    const { text, mode } = await readLimitedText(file, LIMIT_BYTES, signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw configProblem(file, `cannot be read (${(cause as Error).message})`, cause);
    });
    // Whoever may write here decides where the station connects to.
    if (process.platform !== 'win32' && (mode & WRITABLE_BY_OTHERS) !== 0)
      throw configProblem(file, 'other accounts may write to it. Set it to 0600');
    const blocks = parse(file, text);
    const included = new Map<Include, readonly LoadedConfig[]>();
    for (const entry of blocks.flatMap((block) => block.entries)) {
      if (entry.kind !== 'include') continue;
      const names = (await Promise.all(entry.patterns.map((pattern) => namesOf(pattern, home)))).flat();
      const loaded: LoadedConfig[] = [];
      for (const name of names) loaded.push(await load(name, depth + 1));
      included.set(entry, loaded);
    }
    return { path: file, blocks, included };
  };
  return load(path, 0);
}

function parse(path: string, text: string): readonly Block[] {
  try {
    return parseConfig(text);
  } catch (thrown) {
    if (thrown instanceof ConfigError) throw configProblem(path, thrown.message, thrown);
    throw thrown;
  }
}

/** Files of an `Include`. One that is not there is passed over, as OpenSSH does. */
async function namesOf(pattern: string, home: string): Promise<string[]> {
  const expanded = pattern.startsWith('~/') ? join(home, pattern.slice(2)) : pattern;
  const absolute = isAbsolute(expanded) ? expanded : join(home, '.ssh', expanded);
  const [folder, wanted] = [dirname(absolute), basename(absolute)];
  const names = await readdir(folder).catch(() => []);
  const found = /[*?]/.test(wanted)
    ? names.filter((name) => !name.startsWith('.') && matchesPattern(name, wanted)).sort()
    : names.filter((name) => name === wanted);
  return found.map((name) => join(folder, name));
}

/** The error of a configuration that cannot be followed. `problem` is the rest of a sentence. */
export function configProblem(path: string, problem: string, cause?: unknown): EnrollmentError {
  return new EnrollmentError('STATION_SSH_CONFIG_UNUSABLE', {
    details: { path, problem },
    subject: path,
    phase: 'connect',
    ...(cause === undefined ? {} : { cause }),
  });
}

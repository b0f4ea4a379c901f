import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { issuerProblem, type Profile, profileSchema } from '../../model/profile.ts';
import { readLimitedText } from './read-limited.ts';

const LIMIT_BYTES = 1024 * 1024;

function invalid(
  path: string,
  problem: string,
  more: { evidence?: string; cause?: unknown } = {},
): EnrollmentError {
  return new EnrollmentError('STATION_PROFILE_INVALID', {
    details: { path, problem },
    subject: path,
    ...more,
  });
}

/** `bench.3.device_id` as an operator counts: `bench[4].device_id`. */
function keyPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part + 1}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}

/** What is wrong with a profile: the setting as an operator counts, '' for the profile as a whole, and the sentence. */
export interface ProfileProblem {
  readonly key: string;
  readonly says: string;
}

function problemOf(issue: z.core.$ZodIssue): ProfileProblem {
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys.map((name) => keyPath([...issue.path, name])).join(', ');
    return { key, says: 'is not a setting of a profile' };
  }
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return { key: keyPath(issue.path), says: missing ? 'is missing' : issue.message };
}

function sentenceOf({ key, says }: ProfileProblem): string {
  return key === '' ? says : `${key}: ${says}`;
}

/** A file name seen from a folder. `~/` is the home folder of the account the station runs under, as a shell would have it. */
export function absoluteFile(folder: string, name: string): string {
  return resolve(folder, /^~[/\\]/.test(name) ? join(homedir(), name.slice(2)) : name);
}

/** The profile with every file name made absolute, seen from the folder of the profile. */
function withAbsoluteFiles(profile: Profile, folder: string): Profile {
  const absolute = (name: string) => absoluteFile(folder, name);
  const { ca_file, token_file } = profile.identity;
  const { private_key_file, config_file, known_hosts_file } = profile.ssh;
  return {
    ...profile,
    identity: {
      ...profile.identity,
      ...(ca_file === undefined ? {} : { ca_file: absolute(ca_file) }),
      ...(token_file === undefined ? {} : { token_file: absolute(token_file) }),
    },
    ssh: {
      ...profile.ssh,
      ...(private_key_file === undefined ? {} : { private_key_file: absolute(private_key_file) }),
      ...(config_file === undefined ? {} : { config_file: absolute(config_file) }),
      ...(known_hosts_file === undefined ? {} : { known_hosts_file: absolute(known_hosts_file) }),
    },
    agent: {
      ...profile.agent,
      binaries: Object.fromEntries(
        Object.entries(profile.agent.binaries).map(([architecture, name]) => [architecture, absolute(name)]),
      ),
    },
  };
}

/**
 * A profile out of TOML text. `path` names it in errors, and file names inside it are relative to its folder.
 * @throws STATION_PROFILE_INVALID with the key and what is wrong with it.
 */
export function parseProfile(text: string, path: string): Profile {
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const reason = cause.message.split('\n')[0]?.replace('Invalid TOML document: ', '') ?? 'cannot be read';
    throw invalid(path, `line ${cause.line}, column ${cause.column}: ${reason}`, {
      evidence: cause.codeblock,
      cause,
    });
  }
  return withAbsoluteFiles(checkProfile(content, path), dirname(resolve(path)));
}

/** A profile out of plain data, by every rule of a profile; or all that is wrong with it, at least one. */
export function judgeProfile(
  content: unknown,
):
  | { readonly ok: true; readonly profile: Profile }
  | { readonly ok: false; readonly problems: readonly [ProfileProblem, ...ProfileProblem[]] } {
  const result = profileSchema.safeParse(content);
  if (!result.success) {
    const [first = { key: '', says: 'is not a profile' }, ...others] = result.error.issues.map(problemOf);
    return { ok: false, problems: [first, ...others] };
  }
  const says = issuerProblem(result.data.identity);
  if (says !== undefined) return { ok: false, problems: [{ key: 'identity.issuer', says }] };
  return { ok: true, profile: result.data };
}

/**
 * The same for those who cannot go on. `path` names in errors where it comes from.
 * @throws STATION_PROFILE_INVALID with the key and what is wrong with it.
 */
export function checkProfile(content: unknown, path: string): Profile {
  const result = judgeProfile(content);
  if (result.ok) return result.profile;
  const sentences = result.problems.map(sentenceOf);
  throw invalid(path, sentences[0] ?? '', { evidence: sentences.join('\n') });
}

/**
 * Reads a profile file.
 * @throws STATION_PROFILE_UNREADABLE, STATION_PROFILE_INVALID
 */
export async function loadProfile(path: string, signal: AbortSignal): Promise<Profile> {
  const file = await readLimitedText(path, LIMIT_BYTES, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new EnrollmentError('STATION_PROFILE_UNREADABLE', {
      details: { path },
      subject: path,
      evidence: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  });
  return parseProfile(file.text, path);
}

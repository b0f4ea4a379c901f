import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/*
 * The profiles this station knows: where each is, and what it said when it was opened last, so that it can be named when
 * it is gone. No secret is in it.
 */

const entrySchema = z.object({
  path: z.string().min(1).max(4096),
  name: z.string().max(200),
  issuer: z.string().max(300),
});
export type ProfileEntry = z.infer<typeof entrySchema>;

/** More are no list that a person chooses from; the oldest are forgotten. Their files stay. */
const MOST_PROFILES = 1000;

const listSchema = z.object({
  version: z.literal(1),
  /** Path of the one that was opened last. */
  last: z.string().max(4096).optional(),
  profiles: z.array(entrySchema).max(MOST_PROFILES),
});

export interface ProfileList {
  readonly last: string | undefined;
  readonly profiles: readonly ProfileEntry[];
}

const empty: ProfileList = { last: undefined, profiles: [] };

export interface LoadedList {
  readonly list: ProfileList;
  /** Why a list that is there was not taken, as a sentence. */
  readonly problem: string | undefined;
}

/** The list in this file. One that cannot be understood is put aside, so that it is neither trusted nor lost. */
export function loadProfileList(file: string): LoadedList {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')
      return { list: empty, problem: undefined };
    return { list: empty, problem: `The list of profiles cannot be read (${reasonOf(thrown)}).` };
  }
  const parsed = listSchema.safeParse(parseJson(text));
  if (parsed.success) {
    const { last, profiles } = parsed.data;
    return { list: { last, profiles }, problem: undefined };
  }
  const aside = `${file}.unreadable`;
  try {
    fs.renameSync(file, aside);
  } catch (thrown) {
    return { list: empty, problem: `The list of profiles cannot be understood (${reasonOf(thrown)}).` };
  }
  return {
    list: empty,
    problem: `The list of profiles could not be understood and begins anew. The old one is ${aside}.`,
  };
}

/**
 * Puts a list into the place of the old one, whole and down to the disk, for this account alone.
 * @throws what the operating system says; the old list is still there then
 */
export function saveProfileList(file: string, { last, profiles }: ProfileList): void {
  const beside = `${file}.part`;
  fs.rmSync(beside, { force: true });
  fs.writeFileSync(beside, `${JSON.stringify({ version: 1, last, profiles }, undefined, 2)}\n`, {
    ...{ mode: 0o600, flag: 'wx', flush: true },
  });
  fs.renameSync(beside, file);
  flushFolder(path.dirname(file));
}

/** The list after this profile was opened: it is on it once, and last. */
export function withOpened({ profiles }: ProfileList, opened: ProfileEntry): ProfileList {
  const place = profiles.findIndex((entry) => entry.path === opened.path);
  return {
    last: opened.path,
    profiles: place < 0 ? [...profiles.slice(1 - MOST_PROFILES), opened] : profiles.with(place, opened),
  };
}

/** The list with one more profile, which is not opened yet. */
export function withKnown({ last, profiles }: ProfileList, known: ProfileEntry): ProfileList {
  return { ...withOpened({ last, profiles }, known), last };
}

/** The list without this profile. */
export function withoutPath({ last, profiles }: ProfileList, gone: string): ProfileList {
  return {
    last: last === gone ? undefined : last,
    profiles: profiles.filter((entry) => entry.path !== gone),
  };
}

/** Without it the new name may be lost with the power; Windows knows no such thing. */
function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

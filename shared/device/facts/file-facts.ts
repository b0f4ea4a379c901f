import type { Obstacle, PlaceFacts } from '../../model/facts.ts';
import { agentUserName, configDirectory } from '../paths.ts';
import { type FactLines, optional, unreadable } from './fact-lines.ts';

/** One name in a directory, as lstat(2) sees it. */
export interface FileFacts {
  /** `stat`'s words: `regular file`, `directory`, `symbolic link`. */
  readonly type: string;
  readonly links: number;
  /** Octal mode and numeric owners, `640:998:997`. */
  readonly rights: string;
}

/** Debian's group for /usr/local: whoever is in it is as good as root there. */
const STAFF_GID = '50';

/** What stands in our places, by path. */
export function readFiles(found: FactLines): ReadonlyMap<string, FileFacts> {
  const files = new Map<string, FileFacts>();
  for (const entry of entriesOf(found, 'files')) {
    const match = /^([a-z ]+):(\d{1,9}):([0-7]{1,4}:\d{1,10}:\d{1,10}):\.(\/.*)$/i.exec(entry);
    if (match === null) throw unreadable(`files has "${entry.slice(0, 100)}"`);
    const [, type = '', links = '', rights = '', path = ''] = match;
    files.set(path, { type: type.toLowerCase(), links: Number(links), rights });
  }
  return files;
}

/** True for a file that stands there itself, under this name alone: no link, no second name of another file. */
export function isOwnFile(file: FileFacts | undefined): file is FileFacts {
  return file !== undefined && /^regular/.test(file.type) && file.links === 1;
}

/** Mode, user and group are these. An id the look did not find gives no right rights. */
export function hasRights(
  found: FactLines,
  file: FileFacts | undefined,
  mode: string,
  user: 'own' | 'agent',
  group: 'own' | 'agent',
): boolean {
  const uid = optional(found, `${user}-uid`);
  const gid = optional(found, `${group}-gid`);
  return uid !== undefined && gid !== undefined && file?.rights === `${mode}:${uid}:${gid}`;
}

/** What the station neither follows nor removes: a person has to decide. */
export function obstaclesOf(found: FactLines, files: ReadonlyMap<string, FileFacts>): readonly Obstacle[] {
  return [...userObstacles(found), ...parentObstacles(found), ...fileObstacles(files)];
}

function userObstacles(found: FactLines): Obstacle[] {
  const obstacles: Obstacle[] = [];
  const path = `The user ${agentUserName}`;
  const sharedWith = optional(found, 'agent-uid-name') ?? agentUserName;
  if (found.get('agent-uid') === '0') obstacles.push({ path, problem: 'has the user id of root' });
  else if (sharedWith !== agentUserName)
    obstacles.push({ path, problem: `has the user id of ${sharedWith} too` });
  if (found.get('agent-gid') === '0')
    obstacles.push({ path: `The group ${agentUserName}`, problem: 'has the group id of root' });
  return obstacles;
}

function parentObstacles(found: FactLines): Obstacle[] {
  const obstacles: Obstacle[] = [];
  const ownGroups = [optional(found, 'own-gid'), '0', STAFF_GID];
  for (const entry of entriesOf(found, 'parents')) {
    const match = /^([0-7]{1,4}):(\d{1,10}):(\d{1,10}):\.(\/.*)$/.exec(entry);
    if (match === null) throw unreadable(`parents has "${entry.slice(0, 100)}"`);
    const [, octal = '', uid, gid, path = ''] = match;
    const mode = Number.parseInt(octal, 8);
    if (uid !== found.get('own-uid')) obstacles.push({ path, problem: 'does not belong to root' });
    else if ((mode & 0o002) !== 0) obstacles.push({ path, problem: 'can be written to by everybody' });
    else if ((mode & 0o020) !== 0 && !ownGroups.includes(gid))
      obstacles.push({ path, problem: 'can be written to by a group of users' });
  }
  return obstacles;
}

function fileObstacles(files: ReadonlyMap<string, FileFacts>): Obstacle[] {
  const obstacles: Obstacle[] = [];
  for (const [path, { type }] of files) {
    const isDirectory = type === 'directory';
    if (path === configDirectory && !isDirectory)
      obstacles.push({ path, problem: `is a ${type}, not a directory` });
    if (path !== configDirectory && isDirectory) obstacles.push({ path, problem: 'is a directory' });
  }
  return obstacles;
}

/** One place, as `<free KiB> <writable|read-only> <mount>`. */
export function readPlace(found: FactLines, name: string): PlaceFacts {
  const text = found.get(`place-${name}`) ?? '';
  const match = /^(\d{1,15}) (writable|read-only) (\/.*)$/.exec(text);
  if (match === null) throw unreadable(`place-${name} is "${text.slice(0, 100)}"`);
  return { freeBytes: Number(match[1]) * 1024, writable: match[2] === 'writable', mount: match[3] ?? '/' };
}

function entriesOf(found: FactLines, name: string): string[] {
  return (found.get(name) ?? '')
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import { toErrorView } from '#shared/errors/enrollment-error.ts';
import { printable } from '#shared/model/printable.ts';
import type { Profile } from '#shared/model/profile.ts';
import type { KnownProfile, ProfilesView } from '#shared/model/profiles-view.ts';
import { requestInvalid } from '../ipc/answers.ts';
import {
  loadProfileList,
  type ProfileEntry,
  type ProfileList,
  saveProfileList,
  withKnown,
  withOpened,
  withoutPath,
} from './profile-list.ts';

const READ_LIMIT_MS = 10_000;

export interface LibraryOptions {
  readonly userDataDir: string;
  /** Told when the list cannot be read or written: what is open stays open. */
  readonly onProblem: (text: string) => void;
}

/**
 * The profiles this station can work with. Known are those that were opened before, the one in the station's own folder,
 * and for one run the one the command line or the lab brought: that one is opened first and never written down.
 */
export class ProfileLibrary {
  readonly #listFile: string;
  readonly #ownFile: string;
  readonly #onProblem: (text: string) => void;
  #list: ProfileList;
  #given: string | undefined;
  #openPath: string | undefined;

  constructor({ userDataDir, onProblem }: LibraryOptions) {
    this.#listFile = path.join(userDataDir, 'profiles.json');
    this.#ownFile = path.join(userDataDir, 'profile.toml');
    this.#onProblem = onProblem;
    const { list, problem } = loadProfileList(this.#listFile);
    this.#list = list;
    if (problem !== undefined) onProblem(problem);
  }

  /** The profile of a start nobody named one for: the last one opened, or the one in the station's own folder. */
  get first(): string {
    return this.#list.last ?? this.#ownFile;
  }

  /** Says that the station works with this one, which came from outside and is not kept. */
  openGiven(file: string): void {
    this.#given = file;
    this.#openPath = file;
  }

  /** Says which one the station tries at its start. */
  openFirst(file: string): void {
    this.#openPath = file;
  }

  /** Whether this is the one the command line or the lab brought. */
  isGiven(file: string): boolean {
    return file === this.#given;
  }

  /** Keeps an opened profile as the last one. */
  keepOpened(file: string, profile: Profile): void {
    this.#openPath = file;
    if (file !== this.#given) this.#save(withOpened(this.#list, entryOf(file, profile)));
  }

  /** Keeps a profile that is not opened yet. Gives the id it goes by. */
  keep(file: string, profile: Profile): string {
    this.#save(withKnown(this.#list, entryOf(file, profile)));
    return idOf(file);
  }

  /** Every known profile, each read now. */
  async view(): Promise<ProfilesView> {
    return { profiles: await Promise.all(this.#entries().map((entry) => this.#look(entry))) };
  }

  /** Takes a profile off the list. Its file stays. @throws STATION_REQUEST_INVALID for one that is open or not kept */
  forget(id: string): void {
    const file = this.pathOf(id);
    if (file === this.#openPath || !this.#isKept(file))
      throw requestInvalid('this profile stays on the list while the station has it');
    this.#save(withoutPath(this.#list, file));
  }

  /** @throws STATION_REQUEST_INVALID for an id that is not on the list */
  pathOf(id: string): string {
    const found = this.#entries().find((entry) => idOf(entry.path) === id);
    if (found === undefined) throw requestInvalid('there is no such profile on the list');
    return found.path;
  }

  #entries(): readonly ProfileEntry[] {
    const { profiles } = this.#list;
    const more = [this.#given, fs.existsSync(this.#ownFile) ? this.#ownFile : undefined];
    const named = more
      .filter((file) => file !== undefined)
      .filter((file) => !profiles.some((entry) => entry.path === file))
      .map((file) => ({ path: file, name: path.basename(file), issuer: '' }));
    return [...named, ...profiles];
  }

  #isKept(file: string): boolean {
    return file !== this.#given && !(file === this.#ownFile && fs.existsSync(file));
  }

  async #look(entry: ProfileEntry): Promise<KnownProfile> {
    const common = {
      ...{ id: idOf(entry.path), path: printable(entry.path) },
      ...{ open: entry.path === this.#openPath, kept: this.#isKept(entry.path) },
    };
    try {
      const { name, identity } = await loadProfile(entry.path, AbortSignal.timeout(READ_LIMIT_MS));
      return { ...common, name: printable(name), issuer: identity.issuer };
    } catch (thrown) {
      const issuer = entry.issuer === '' ? {} : { issuer: entry.issuer };
      return { ...common, ...issuer, name: printable(entry.name), error: toErrorView(thrown) };
    }
  }

  #save(list: ProfileList): void {
    // What is on screen is right even where the disk is full.
    this.#list = list;
    try {
      saveProfileList(this.#listFile, list);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      this.#onProblem(
        `The list of profiles cannot be written (${why}). The next start does not know the change.`,
      );
    }
  }
}

function entryOf(file: string, { name, identity }: Profile): ProfileEntry {
  return { path: file, name: name.slice(0, 200), issuer: identity.issuer.slice(0, 300) };
}

function idOf(file: string): string {
  return createHash('sha256').update(file).digest('hex').slice(0, 16);
}

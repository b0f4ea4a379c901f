import path from 'node:path';
import { checkProfile, parseProfile } from '#shared/adapters/system/profile-file.ts';
import { FileTooLargeError, readLimitedText } from '#shared/adapters/system/read-limited.ts';
import { createSetUpFolder } from '#shared/adapters/system/set-up-folder.ts';
import { describeThrown, EnrollmentError } from '#shared/errors/enrollment-error.ts';
import { type ImportChoice, type ImportView, MAX_CLIENT_CONFIG_LENGTH } from '#shared/model/import-view.ts';
import { printable } from '#shared/model/printable.ts';
import type { Profile } from '#shared/model/profile.ts';
import { type ClientConfig, readClientConfig } from '#shared/setup/client-config.ts';
import { leftOut, profileOfClientConfig } from '#shared/setup/import-client-config.ts';
import { requestInvalid } from '../ipc/answers.ts';

const READ_LIMIT_MS = 10_000;
const PROFILE_FILE = 'profile.toml';
/** Profiles of one name beside each other; more are a mistake. */
const MOST_OF_A_NAME = 50;

/** What the fields are called in the window. */
const words = { issuer: 'the issuer', project: 'the project', app: 'the app' };

interface Read {
  readonly fileName: string;
  readonly config: ClientConfig;
}

export interface ImportedProfile {
  readonly path: string;
  readonly profile: Profile;
}

/**
 * A client config of the fleet's older tooling on its way into a profile. It is read and understood here: the window
 * gets what it shows, and its choices are checked against what was read.
 */
export class ClientConfigImport {
  readonly #userDataDir: string;
  #read: Read | undefined;

  constructor(userDataDir: string) {
    this.#userDataDir = userDataDir;
  }

  /** Reads a file. @throws STATION_CLIENT_CONFIG_INVALID; what was read before is forgotten then too */
  async readFile(file: string): Promise<ImportView> {
    this.#read = undefined;
    const fileName = path.basename(file);
    const { text } = await readLimitedText(
      file,
      MAX_CLIENT_CONFIG_LENGTH,
      AbortSignal.timeout(READ_LIMIT_MS),
    ).catch((thrown: unknown) => {
      const problem = thrown instanceof FileTooLargeError ? 'it is larger than 1 MiB.' : 'it cannot be read.';
      throw invalid(fileName, problem, thrown);
    });
    return this.readText(fileName, text);
  }

  /** Reads a text that was dropped on the window. @throws STATION_CLIENT_CONFIG_INVALID */
  readText(fileName: string, text: string): ImportView {
    this.#read = undefined;
    const parsed = readClientConfig(text);
    if (!parsed.ok) throw invalid(fileName, `${parsed.problem}.`);
    const { config } = parsed;
    const projects = named(config.projects);
    const apps = named(config.apps);
    if (projects.length === 0) throw invalid(fileName, 'it has no project.');
    if (apps.length === 0) throw invalid(fileName, 'it has no application.');
    this.#read = { fileName, config };
    return {
      ...{ fileName: printable(fileName), projects, apps, ignored: leftOut(config) },
      ...(config.issuer === undefined ? {} : { issuer: config.issuer }),
      ...(config.org_id === undefined ? {} : { organisationId: config.org_id }),
    };
  }

  /**
   * Writes the profile. The same choice again finds the same profile; no file is ever written over.
   * @throws STATION_CLIENT_CONFIG_INVALID, STATION_PROFILE_INVALID, STATION_SETUP_FILE_REFUSED; nothing was written then
   */
  async save(choice: ImportChoice): Promise<ImportedProfile> {
    const read = this.#read;
    if (read === undefined) throw requestInvalid('no client config was read yet; choose it again');
    const caFile = filled(choice.caFile);
    if (caFile !== undefined && !path.isAbsolute(caFile) && !caFile.startsWith('~/'))
      throw invalid(read.fileName, `the CA file ${caFile} is not named with its whole path.`);
    const imported = profileOfClientConfig(
      read.config,
      {
        ...{ issuer: filled(choice.issuer)?.replace(/\/+$/, ''), orgId: filled(choice.organisationId) },
        ...{ project: choice.project, app: choice.app, natsUrls: choice.natsUrls, caFile },
        acceptInvalidCertificates: choice.acceptInvalidCertificates,
      },
      words,
    );
    if (!imported.ok) throw invalid(read.fileName, imported.problem);
    // By every rule of a profile, before anything is written.
    checkProfile(parseProfile(imported.text, 'The profile'), 'The profile');
    const file = await this.#write(imported.text, imported.project.name);
    return { path: file, profile: parseProfile(imported.text, file) };
  }

  async #write(text: string, name: string): Promise<string> {
    const signal = AbortSignal.timeout(READ_LIMIT_MS);
    for (const place of this.#places(name)) {
      const folder = createSetUpFolder(place);
      const there = await folder.read(PROFILE_FILE, signal);
      if (there === undefined) await folder.create(PROFILE_FILE, text, signal);
      if (there === undefined || there === text) return path.join(place, PROFILE_FILE);
    }
    throw requestInvalid(`there are ${MOST_OF_A_NAME} profiles of this name`);
  }

  /** The first profile goes where a start without a list looks for one; others get a folder each. */
  *#places(name: string): Generator<string> {
    yield this.#userDataDir;
    const slug = name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 40);
    const folder = path.join(this.#userDataDir, 'profiles', slug === '' ? 'profile' : slug);
    yield folder;
    for (let number = 2; number <= MOST_OF_A_NAME; number += 1) yield `${folder}-${number}`;
  }
}

function named(ids: Readonly<Record<string, string>>): ImportView['projects'] {
  return Object.entries(ids).map(([name, id]) => ({ name, id }));
}

function filled(text: string): string | undefined {
  const trimmed = text.trim();
  return trimmed === '' ? undefined : trimmed;
}

function invalid(fileName: string, problem: string, cause?: unknown): EnrollmentError {
  return new EnrollmentError('STATION_CLIENT_CONFIG_INVALID', {
    details: { path: fileName, problem: printable(problem) },
    subject: fileName,
    ...(cause === undefined ? {} : { cause, evidence: describeThrown(cause) }),
  });
}

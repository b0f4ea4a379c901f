import { resolve } from 'node:path';
import { checkProfile, parseProfile } from '../adapters/system/profile-file.ts';
import { readLimitedText } from '../adapters/system/read-limited.ts';
import { createSetUpFolder } from '../adapters/system/set-up-folder.ts';
import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import { MAX_CLIENT_CONFIG_LENGTH } from '../model/import-view.ts';
import { printable } from '../model/printable.ts';
import { readClientConfig } from '../setup/client-config.ts';
import { leftOut, profileOfClientConfig } from '../setup/import-client-config.ts';
import { PROFILE_FILE } from '../setup/set-up.ts';
import type { CommandContext } from './command-context.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

export interface ImportOptions {
  readonly issuerUrl?: string;
  readonly adminOrgId?: string;
  readonly project?: string;
  readonly app?: string;
  readonly natsUrl?: readonly string[];
  readonly out: string;
  readonly caFile?: string;
  readonly dangerAcceptInvalidCerts?: boolean;
}

/**
 * `muster import client-config FILE`: a profile out of the client config of the fleet's older tooling.
 * @throws STATION_CLIENT_CONFIG_INVALID, STATION_SETUP_FILE_REFUSED, STATION_PROFILE_INVALID; then nothing was written
 */
export async function importClientConfig(
  { output, interrupts }: CommandContext,
  file: string,
  options: ImportOptions,
): Promise<ExitCode> {
  const { signal } = interrupts;
  const invalid = (problem: string, evidence?: string) =>
    new EnrollmentError('STATION_CLIENT_CONFIG_INVALID', {
      details: { path: file, problem: printable(problem) },
      subject: file,
      ...(evidence === undefined ? {} : { evidence }),
    });
  const read = await readLimitedText(file, MAX_CLIENT_CONFIG_LENGTH, signal).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw invalid('it cannot be read.', describeThrown(thrown));
  });
  const parsed = readClientConfig(read.text);
  if (!parsed.ok) throw invalid(`${parsed.problem}.`);
  const { config } = parsed;
  const imported = profileOfClientConfig(
    config,
    {
      ...{ issuer: options.issuerUrl, orgId: options.adminOrgId, project: options.project, app: options.app },
      caFile: options.caFile === undefined ? undefined : resolve(options.caFile),
      acceptInvalidCertificates: options.dangerAcceptInvalidCerts === true,
      natsUrls: (options.natsUrl ?? []).flatMap((urls) => urls.split(',')).map((url) => url.trim()),
    },
    { issuer: '--issuer-url', project: '--project', app: '--app' },
  );
  if (!imported.ok) throw invalid(imported.problem);
  const { issuer, project, app, text } = imported;
  const ignored = leftOut(config);
  // By every rule of a profile, before anything is written.
  checkProfile(parseProfile(text, file), file);
  const folder = createSetUpFolder(options.out);
  await folder.create(PROFILE_FILE, text, signal);
  const profile = `${folder.path}/${PROFILE_FILE}`;
  const fields = { issuer, projectId: project.id, clientId: app.id, profile, ignored };
  const lines = [
    `Imported ${printable(file)}.`,
    `  issuer      ${issuer}`,
    `  project id  ${project.id}  ${printable(project.name)}`,
    `  client id   ${app.id}  ${printable(app.name)}`,
    `  profile     ${profile}`,
    ...ignored.map(({ what, why }) => `  left out    ${printable(what)}. ${why}`),
  ];
  output.event('imported', fields, lines.join('\n'));
  return exitCodes.ok;
}

import { resolve } from 'node:path';
import { checkProfile, parseProfile } from '../adapters/system/profile-file.ts';
import { readLimitedText } from '../adapters/system/read-limited.ts';
import { createSetUpFolder } from '../adapters/system/set-up-folder.ts';
import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import { printable } from '../model/printable.ts';
import { type ClientConfig, readClientConfig } from '../setup/client-config.ts';
import { profileText } from '../setup/profile-text.ts';
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

const LIMIT_BYTES = 1024 * 1024;

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
  const read = await readLimitedText(file, LIMIT_BYTES, signal).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw invalid('it cannot be read.', describeThrown(thrown));
  });
  const parsed = readClientConfig(read.text);
  if (!parsed.ok) throw invalid(`${parsed.problem}.`);
  const { config } = parsed;
  const issuer = issuerOf(config, options.issuerUrl);
  if (!issuer.ok) throw invalid(issuer.problem);
  const project = choose(config.projects, options.project, 'project', '--project');
  if (!project.ok) throw invalid(project.problem);
  const app = choose(config.apps, options.app, 'application', '--app');
  if (!app.ok) throw invalid(app.problem);

  const text = profileText({
    name: project.name,
    ...{ issuer: issuer.url, clientId: app.id, projectId: project.id },
    orgId: options.adminOrgId ?? config.org_id,
    caFile: options.caFile === undefined ? undefined : resolve(options.caFile),
    acceptInvalidCertificates: options.dangerAcceptInvalidCerts === true,
    natsUrls: (options.natsUrl ?? []).flatMap((urls) => urls.split(',')).map((url) => url.trim()),
  });
  // By every rule of a profile, before anything is written.
  checkProfile(parseProfile(text, file), file);
  const folder = createSetUpFolder(options.out);
  await folder.create(PROFILE_FILE, text, signal);
  const profile = `${folder.path}/${PROFILE_FILE}`;
  const fields = { issuer: issuer.url, projectId: project.id, clientId: app.id, profile };
  const lines = [
    `Imported ${printable(file)}.`,
    `  issuer      ${issuer.url}`,
    `  project id  ${project.id}  ${printable(project.name)}`,
    `  client id   ${app.id}  ${printable(app.name)}`,
    `  profile     ${profile}`,
  ];
  output.event('imported', fields, lines.join('\n'));
  return exitCodes.ok;
}

type Chosen =
  | { readonly ok: true; readonly name: string; readonly id: string }
  | { readonly ok: false; readonly problem: string };

/** The one that is named, or the only one there is. */
function choose(
  ids: Readonly<Record<string, string>>,
  wanted: string | undefined,
  what: string,
  option: string,
): Chosen {
  const entries = Object.entries(ids);
  const names = entries.map(([name]) => name).join(', ');
  const found =
    wanted === undefined && entries.length === 1 ? entries[0] : entries.find(([name]) => name === wanted);
  if (found !== undefined) return { ok: true, name: found[0], id: found[1] };
  if (entries.length === 0) return { ok: false, problem: `it has no ${what}.` };
  return wanted === undefined
    ? { ok: false, problem: `it has several: name the ${what} with ${option}. There are: ${names}.` }
    : { ok: false, problem: `it has no ${what} ${wanted}. There are: ${names}.` };
}

function issuerOf(
  { issuer }: ClientConfig,
  named: string | undefined,
): { readonly ok: true; readonly url: string } | { readonly ok: false; readonly problem: string } {
  if (issuer !== undefined && named !== undefined && issuer !== named)
    return { ok: false, problem: `it is for ${issuer}, and --issuer-url says ${named}.` };
  const url = named ?? issuer;
  return url === undefined
    ? { ok: false, problem: 'it does not say for which identity provider it is. Name --issuer-url.' }
    : { ok: true, url };
}

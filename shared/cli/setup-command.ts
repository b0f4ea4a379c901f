import { resolve } from 'node:path';
import { createSetUpPorts } from '../adapters/create-set-up.ts';
import { silentLogger } from '../adapters/log/logger.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { checkProfile, parseProfile } from '../adapters/system/profile-file.ts';
import { systemRandom } from '../adapters/system/random.ts';
import { createSetUpFolder } from '../adapters/system/set-up-folder.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { printable } from '../model/printable.ts';
import type { SetUpItem, SetUpReport } from '../setup/report.ts';
import { DEVICE_ROLE, type SetUpRequest, setUpRequestSchema } from '../setup/request.ts';
import { CLIENT_CONFIG_FILE, PROFILE_FILE, type ProfileIdentity, setUp } from '../setup/set-up.ts';
import { askSecret } from './ask-secret.ts';
import { type CommandContext, warnOfInvalidCertificates } from './command-context.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { type GivenSecret, readStandardInput } from './given-secrets.ts';
import { UsageError } from './usage-error.ts';

export interface SetUpCommandOptions {
  readonly issuerUrl: string;
  readonly adminOrgId?: string;
  readonly project: string;
  readonly role?: readonly string[];
  readonly machineUser?: readonly string[];
  readonly stationApp?: string;
  readonly apiApp?: string;
  readonly keyValidForDays?: string;
  readonly natsUrl?: readonly string[];
  readonly out: string;
  readonly caFile?: string;
  readonly dangerAcceptInvalidCerts?: boolean;
  readonly dryRun?: boolean;
}

/**
 * `muster setup zitadel`: from an administrator's token to a profile.
 * @throws UsageError, EnrollmentError
 */
export async function setUpZitadel(context: CommandContext, options: SetUpCommandOptions): Promise<ExitCode> {
  const { output, interrupts } = context;
  const { signal } = interrupts;
  const request = requestOf(options);
  const profile = checkProfile(
    {
      name: 'set-up',
      identity: {
        issuer: options.issuerUrl,
        // Neither is there yet, and nothing of a set-up asks for them.
        ...{ client_id: 'none', project_id: 'none' },
        ...(options.adminOrgId === undefined ? {} : { org_id: options.adminOrgId }),
        ...(options.caFile === undefined ? {} : { ca_file: resolve(options.caFile) }),
        danger_accept_invalid_certs: options.dangerAcceptInvalidCerts === true,
      },
      ...(options.natsUrl === undefined ? {} : { nats: { urls: splitList(options.natsUrl) } }),
      agent: { binaries: {} },
    },
    'command line',
  );
  warnOfInvalidCertificates(output, profile);
  const folder = createSetUpFolder(options.out);
  const { value: token, variable } = await requireToken(context);
  const ports = await createSetUpPorts({ profile, token, variable, logger: silentLogger, signal });
  const preview = options.dryRun === true;
  try {
    const report = await setUp({
      ...{ request, folder, preview, signal, administration: ports.administration },
      ...{ clock: systemClock, random: systemRandom },
      profile: {
        caFile: profile.identity.ca_file,
        acceptInvalidCertificates: profile.identity.danger_accept_invalid_certs,
        natsUrls: profile.nats?.urls ?? [],
      },
      readIdentity,
      onItem: (item) => output.event('set-up-item', item, itemText(item)),
    });
    tellSummary(context, report, { request, folder: folder.path, preview });
    return exitCodes.ok;
  } finally {
    ports.close();
  }
}

/** The identity of a profile that is in the folder already. */
function readIdentity(text: string): ProfileIdentity | undefined {
  try {
    return parseProfile(text, PROFILE_FILE).identity;
  } catch (thrown) {
    if (thrown instanceof EnrollmentError) return undefined;
    throw thrown;
  }
}

/** @throws UsageError with the option that is wrong */
function requestOf(options: SetUpCommandOptions): SetUpRequest {
  const parsed = setUpRequestSchema.safeParse({
    issuer: options.issuerUrl,
    project: options.project,
    roles: options.role ?? [],
    machineUsers: (options.machineUser ?? []).map(machineUserOf),
    ...(options.stationApp === undefined ? {} : { deviceApp: options.stationApp }),
    ...(options.apiApp === undefined ? {} : { apiApp: options.apiApp }),
    ...(options.keyValidForDays === undefined ? {} : { keyValidForDays: Number(options.keyValidForDays) }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const [member, ...place] = issue?.path ?? [];
  const index = place.find((part) => typeof part === 'number');
  const where = index === undefined ? '' : `, number ${index + 1}`;
  throw new UsageError(
    `${optionOf[String(member)] ?? 'set-up'}${where}: ${issue?.message ?? 'is not valid'}.`,
  );
}

const optionOf: Readonly<Record<string, string>> = {
  issuer: '--issuer-url',
  project: '--project',
  roles: '--role',
  machineUsers: '--machine-user',
  deviceApp: '--station-app',
  apiApp: '--api-app',
  keyValidForDays: '--key-valid-for-days',
};

/** `name` or `name=role,role`. */
function machineUserOf(text: string): { name: string; roles: string[] } {
  const [name = '', roles] = text.split(/=(.*)/s);
  return { name, roles: roles === undefined ? [DEVICE_ROLE] : splitList([roles]) };
}

function splitList(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(',')).map((text) => text.trim());
}

/** The token by environment, from a pipe, or typed. It is never an argument. */
async function requireToken(context: CommandContext): Promise<GivenSecret> {
  const { secrets, terminal, interrupts } = context;
  if (secrets.token !== undefined) return secrets.token;
  if (terminal !== undefined) {
    const typed = await askSecret(terminal, 'Personal access token of an administrator: ', interrupts.signal);
    if (typed !== undefined) return { value: typed, variable: 'the terminal' };
  } else if (!process.stdin.isTTY) {
    const piped = readStandardInput();
    if (piped !== undefined) return { value: piped, variable: 'standard input' };
  }
  throw new UsageError(
    'Set MUSTER_ADMIN_TOKEN, MUSTER_ADMIN_TOKEN_FILE or MUSTER_ADMIN_TOKEN_FD, or give the token on standard input.',
  );
}

const stateWords: Readonly<Record<SetUpItem['state'], string>> = {
  created: 'created',
  already: 'already there',
  changed: 'changed',
  'would-create': 'would create',
  'would-change': 'would change',
};

const kindWords: Readonly<Record<SetUpItem['kind'], string>> = {
  organisation: 'organisation',
  project: 'project',
  role: 'role',
  'device-app': 'station app',
  'api-app': 'API app',
  'machine-user': 'machine user',
  grant: 'grant',
  key: 'key',
  file: 'file',
};

function itemText({ kind, name, state, id, note }: SetUpItem): string {
  const more = [id, note].filter((part) => part !== undefined).map((part) => printable(part));
  const columns = [stateWords[state].padEnd(13), kindWords[kind].padEnd(12), printable(name)];
  return [columns.join('  '), ...more].join('  ');
}

function tellSummary(
  { output }: CommandContext,
  { items, changes }: SetUpReport,
  run: { readonly request: SetUpRequest; readonly folder: string; readonly preview: boolean },
): void {
  const idOf = (kind: SetUpItem['kind']) => items.find((item) => item.kind === kind)?.id;
  const profile = `${run.folder}/${PROFILE_FILE}`;
  const fields = {
    issuer: run.request.issuer,
    organisationId: idOf('organisation') ?? '',
    projectId: idOf('project'),
    clientId: idOf('device-app'),
    ...{ changes, dryRun: run.preview, profile, clientConfig: `${run.folder}/${CLIENT_CONFIG_FILE}` },
  };
  const count = changes === 1 ? 'One thing' : `${changes} things`;
  const did = run.preview ? `${count} would change.` : `${count} changed.`;
  const text = [
    '',
    changes === 0 ? 'Everything is there already. Nothing changed.' : did,
    `  issuer      ${run.request.issuer}`,
    `  project id  ${fields.projectId ?? 'not made yet'}`,
    `  client id   ${fields.clientId ?? 'not made yet'}`,
    ...(run.preview ? [] : [`  profile     ${profile}`]),
  ];
  output.event('set-up', fields, text.join('\n'));
}

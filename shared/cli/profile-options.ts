import { ELF_HEADER_BYTES, readElfHeader } from '../adapters/binary/elf.ts';
import {
  absoluteFile,
  judgeProfile,
  loadProfile,
  type ProfileProblem,
} from '../adapters/system/profile-file.ts';
import { openRegularFile } from '../adapters/system/read-limited.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { type Architecture, architectures } from '../model/facts.ts';
import type { BenchEntry, Profile } from '../model/profile.ts';
import { parseLabels } from './labels.ts';
import { UsageError } from './usage-error.ts';

/** Options that name what a profile holds. Each wins over the profile. */
export interface ProfileOptions {
  readonly profile?: string;
  readonly issuerUrl?: string;
  readonly audience?: string;
  readonly adminOidcClientId?: string;
  readonly adminOrgId?: string;
  readonly caFile?: string;
  readonly dangerAcceptInvalidCerts?: boolean;
  readonly natsUrl?: readonly string[];
  readonly agentBinary?: readonly string[];
  readonly labels?: readonly string[];
  readonly sshUser?: string;
  readonly sshKey?: string;
  readonly sshAgent?: boolean;
  /** `false`: none, whatever the profile has. */
  readonly jump?: readonly string[] | false;
  /** `false`: none, whatever the profile has. */
  readonly sshConfig?: string | false;
  readonly hostKeys?: string;
  readonly knownHosts?: string;
  readonly concurrency?: string;
}

/** Which setting each option stands for. What is wrong with that setting is wrong with the option. */
const settings = [
  ['issuerUrl', '--issuer-url', 'identity.issuer'],
  ['audience', '--audience', 'identity.project_id'],
  ['adminOidcClientId', '--admin-oidc-client-id', 'identity.client_id'],
  ['adminOrgId', '--admin-org-id', 'identity.org_id'],
  ['caFile', '--ca-file', 'identity.ca_file'],
  ['dangerAcceptInvalidCerts', '--danger-accept-invalid-certs', 'identity.danger_accept_invalid_certs'],
  ['natsUrl', '--nats-url', 'nats.urls'],
  ['agentBinary', '--agent-binary', 'agent.binaries'],
  ['labels', '--labels', 'labels'],
  ['sshUser', '--ssh-user', 'ssh.user'],
  ['sshKey', '--ssh-key', 'ssh.private_key_file'],
  ['sshAgent', '--ssh-agent', 'ssh.agent'],
  ['jump', '--jump', 'ssh.jump'],
  ['sshConfig', '--ssh-config', 'ssh.config_file'],
  ['hostKeys', '--host-keys', 'ssh.host_keys'],
  ['knownHosts', '--known-hosts', 'ssh.known_hosts_file'],
  ['concurrency', '--concurrency', 'batch.concurrency'],
] as const satisfies readonly (readonly [keyof ProfileOptions, string, string])[];

/** Without a profile these have to be named. A handed-in token needs no client. */
const needed = [
  ['issuerUrl', '--issuer-url'],
  ['audience', '--audience'],
  ['adminOidcClientId', '--admin-oidc-client-id'],
] as const;

/** A client id that no provider knows: a token that was handed in never asks for one. */
const NO_CLIENT = 'none';
/** A doctor looks at a device without knowing its fleet. */
const NO_FLEET = { issuer: 'https://no-issuer.invalid', project: 'none' };

export interface ProfileNeeds {
  /** A token was handed in: nobody signs in. */
  readonly hasToken: boolean;
  /** What is not named is unknown, and no reason to refuse. */
  readonly mayBeIncomplete?: boolean;
  /** The fleet is only looked at: there is no agent to install. */
  readonly noAgent?: boolean;
  readonly bench?: readonly BenchEntry[];
}

/** Whether options and profile name the fleet: issuer and project. */
export function namesFleet(profile: Profile): boolean {
  return profile.identity.issuer !== NO_FLEET.issuer;
}

/**
 * The profile a command works with: the file, changed by the options; or one made of options alone. Both pass the same
 * rules.
 * @throws UsageError for an option that is missing, cannot be read or breaks a rule; STATION_PROFILE_INVALID, _UNREADABLE
 */
export async function profileOf(
  options: ProfileOptions,
  needs: ProfileNeeds,
  signal: AbortSignal,
): Promise<Profile> {
  const file = options.profile === undefined ? undefined : await loadProfile(options.profile, signal);
  if (file === undefined && !needs.mayBeIncomplete) requireOptions(options, needs);
  const labels = labelsOf(options.labels ?? []);
  const binaries = await binariesOf(options.agentBinary ?? []);
  const merged = {
    ...file,
    name: file?.name ?? 'command line',
    identity: {
      ...file?.identity,
      issuer: options.issuerUrl ?? file?.identity.issuer ?? NO_FLEET.issuer,
      project_id: options.audience ?? file?.identity.project_id ?? NO_FLEET.project,
      client_id: options.adminOidcClientId ?? file?.identity.client_id ?? NO_CLIENT,
      org_id: options.adminOrgId ?? file?.identity.org_id,
      ca_file: absolute(options.caFile) ?? file?.identity.ca_file,
      danger_accept_invalid_certs:
        options.dangerAcceptInvalidCerts ?? file?.identity.danger_accept_invalid_certs,
    },
    nats: options.natsUrl === undefined ? file?.nats : { ...file?.nats, urls: split(options.natsUrl) },
    ssh: {
      ...file?.ssh,
      user: options.sshUser ?? file?.ssh.user,
      private_key_file: absolute(options.sshKey) ?? file?.ssh.private_key_file,
      agent: options.sshAgent ?? file?.ssh.agent,
      jump: unlessNone(options.jump, split, file?.ssh.jump),
      config_file: unlessNone(options.sshConfig, absolute, file?.ssh.config_file),
      host_keys: options.hostKeys ?? file?.ssh.host_keys,
      known_hosts_file: absolute(options.knownHosts) ?? file?.ssh.known_hosts_file,
    },
    agent: { binaries: { ...file?.agent.binaries, ...binaries } },
    batch: {
      ...file?.batch,
      ...(options.concurrency === undefined ? {} : { concurrency: Number(options.concurrency) }),
    },
    labels: { ...file?.labels, ...labels },
    bench: needs.bench ?? [],
  };
  // Through JSON: what is undefined is not there, as in a file.
  const judged = judgeProfile(JSON.parse(JSON.stringify(merged)));
  if (judged.ok) return judged.profile;
  throw refusal(judged.problems[0], options);
}

/** The file has passed already: what is wrong now is an option, or comes of several put together. */
function refusal({ key, says }: ProfileProblem, options: ProfileOptions): Error {
  const isWithin = (setting: string): boolean =>
    key === setting || key.startsWith(`${setting}.`) || key.startsWith(`${setting}[`);
  const option = settings.find(([name, , setting]) => options[name] !== undefined && isWithin(setting));
  if (option !== undefined) return new UsageError(`${option[1]}: ${says.replace(/\.$/, '')}.`);
  const details = { path: options.profile ?? 'command line', problem: `${key}: ${says}` };
  return new EnrollmentError('STATION_PROFILE_INVALID', { details });
}

function requireOptions(options: ProfileOptions, { hasToken, noAgent }: ProfileNeeds): void {
  const missing: string[] = needed
    .filter(([name]) => options[name] === undefined && !(name === 'adminOidcClientId' && hasToken))
    .map(([, flag]) => flag);
  if (!noAgent && (options.agentBinary ?? []).length === 0) missing.push('--agent-binary');
  if (missing.length > 0) throw new UsageError(`Without --profile, name ${missing.join(', ')}.`);
}

function absolute(file: string): string;
function absolute(file: string | undefined): string | undefined;
function absolute(file: string | undefined): string | undefined {
  // No shell replaces the ~ of --option=~/file; and no name is no folder either.
  return file === undefined || file === '' ? file : absoluteFile('.', file);
}

/** What an option says, and that is `false` for none; without the option, what the profile says. */
function unlessNone<Given, Setting>(
  given: Given | false | undefined,
  read: (given: Given) => Setting,
  inProfile: Setting | undefined,
): Setting | undefined {
  if (given === false) return undefined;
  return given === undefined ? inProfile : read(given);
}

function split(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(',')).map((text) => text.trim());
}

function labelsOf(texts: readonly string[]): Record<string, string> {
  const all: Record<string, string> = {};
  for (const text of texts) {
    const labels = parseLabels(text);
    if (!labels.ok) throw new UsageError(`--labels: ${labels.says}.`);
    const twice = Object.keys(labels.labels).find((name) => Object.hasOwn(all, name));
    if (twice !== undefined) throw new UsageError(`--labels: "${twice}" is there twice.`);
    Object.assign(all, labels.labels);
  }
  return all;
}

/** `path`, or `architecture=path`. Without an architecture the file itself tells it. */
async function binariesOf(texts: readonly string[]): Promise<Partial<Record<Architecture, string>>> {
  const all: Partial<Record<Architecture, string>> = {};
  for (const text of texts) {
    const named = architectures.find((architecture) => text.startsWith(`${architecture}=`));
    const path = absolute(named === undefined ? text : text.slice(named.length + 1));
    const architecture = named ?? (await architectureOf(path));
    if (all[architecture] !== undefined)
      throw new UsageError(`--agent-binary: there are two files for ${architecture}.`);
    all[architecture] = path;
  }
  return all;
}

async function architectureOf(path: string): Promise<Architecture> {
  const buffer = Buffer.alloc(ELF_HEADER_BYTES);
  let length: number;
  try {
    const file = await openRegularFile(path);
    try {
      length = (await file.read(buffer, 0, buffer.length, 0)).bytesRead;
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw new UsageError(`--agent-binary: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  const elf = readElfHeader(buffer.subarray(0, length));
  if (elf.kind === 'program') return elf.architecture;
  const why = elf.kind === 'foreign' ? `it is for ${elf.machine}` : elf.why;
  throw new UsageError(
    `--agent-binary: ${path}: ${why}. Architectures are ${architectures.join(', ')}; name one as in aarch64=PATH.`,
  );
}

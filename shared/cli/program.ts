import { Command, Option } from 'commander';
import { readLimitedBytes, readLimitedStream } from '../adapters/system/read-limited.ts';
import type { BatchWish } from '../engine/station-batches.ts';
import { describeThrown, EnrollmentError } from '../errors/enrollment-error.ts';
import { parseDeviceId } from '../model/device-id.ts';
import type { BenchEntry } from '../model/profile.ts';
import { hostKeyPolicies, tokenPolicies } from '../model/profile.ts';
import type { CommandContext, StationOptions } from './command-context.ts';
import { type DecommissionOptions, decommission } from './decommission-command.ts';
import { doctor } from './doctor-command.ts';
import { type DryRunOptions, dryRun } from './dry-run.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { devices, status } from './fleet-commands.ts';
import { requireUsable } from './given-secrets.ts';
import { type ImportOptions, importClientConfig } from './import-command.ts';
import { readManifest as judgeManifest } from './manifest.ts';
import { type ProfileOptions, profileOf } from './profile-options.ts';
import { readTarget } from './reach-options.ts';
import { runBatch } from './run-batch.ts';
import { type SetUpCommandOptions, setUpZitadel } from './setup-command.ts';
import { readPatience } from './sign-in-patience.ts';
import { signOut } from './sign-out-command.ts';
import { readFingerprints } from './trusted-host-keys.ts';
import { UsageError } from './usage-error.ts';
import { version } from './version.ts';

type CommonOptions = ProfileOptions & StationOptions & { readonly json?: boolean };
type EnrollOptions = CommonOptions &
  DryRunOptions &
  WaitOption & {
    readonly dryRun?: boolean;
    readonly setClock?: boolean;
    readonly trustHostKey?: readonly string[];
  };
type WaitOption = { readonly waitForSignIn?: string };

const MANIFEST_LIMIT_BYTES = 8 * 1024 * 1024;
/** Names of standard input. It may be a socket, which cannot be opened by a name. */
const standardInput = ['-', '/dev/stdin', '/dev/fd/0'];

/** Options that may be given several times. Whoever has said `--no-…` before has thought better of it. */
const collect = (value: string, before: readonly string[] | false | undefined): string[] => [
  ...(before === false || before === undefined ? [] : before),
  value,
];

function withCommon(command: Command): Command {
  return command
    .option('--profile <file>', 'profile; every option below wins over it')
    .option('--issuer-url <url>', 'identity provider')
    .option('--audience <project>', 'id of the project, the audience of device tokens')
    .option('--admin-oidc-client-id <id>', 'client id of the device-code app; not needed with a token')
    .option('--admin-org-id <id>', 'organisation of the project, where the sign-in belongs to another one')
    .option('--ca-file <file>', 'authority of the identity provider and of NATS')
    .option('--danger-accept-invalid-certs', 'believe any certificate; never outside of tests')
    .option('--nats-url <url>', 'NATS of the fleet; several, or with commas', collect)
    .addOption(new Option('--token-cache <policy>', 'remembered sign-in').choices(tokenPolicies))
    .option('--no-token-cache', 'same as --token-cache no-cache')
    .option('--ssh-user <name>', 'login where the target names none')
    .option('--ssh-key <file>', 'private key for the login')
    .option('--state-dir <folder>', 'journal and log (XDG state folder)')
    .option('--json', 'results as JSON lines');
}

/** Of the commands that ask the identity provider for something, and may lose their sign-in on the way. */
function withPatience(command: Command): Command {
  return command.option(
    '--wait-for-sign-in <minutes>',
    'how long, when the sign-in ends on the way; 0 asks nobody (30; what only looks, without a terminal: 0)',
  );
}

/** Of the commands that connect to devices: the way there, as the profile's section `ssh` has it. */
function withReach(command: Command): Command {
  return withCommon(command)
    .option('--ssh-agent', "offer the keys of this account's SSH agent")
    .option('--no-ssh-agent', 'do not, whatever the profile says')
    .option('--jump <host>', 'jump host, user@host:port; several or with commas, the nearest first', collect)
    .option('--no-jump', 'none, whatever the profile says')
    .option('--ssh-config <file>', 'OpenSSH client configuration: aliases, users, ports, keys, jump hosts')
    .option('--no-ssh-config', 'none, whatever the profile says')
    .addOption(
      new Option('--host-keys <which>', 'trust at first contact, or known ones only').choices(
        hostKeyPolicies,
      ),
    )
    .option('--known-hosts <file>', "host keys known beforehand, in OpenSSH's format");
}

function withEnrollment(command: Command): Command {
  return withPatience(withReach(command))
    .option('--agent-binary <[arch=]file>', 'agent for x86_64, aarch64 or armv7; several', collect)
    .option('--labels <k=v,…>', 'labels the agent reports; several', collect)
    .option('--concurrency <n>', 'devices side by side, 1 to 64')
    .option('--set-clock', "give devices whose clock is off this computer's time")
    .option('--trust-host-key <SHA256:…>', 'accept this key where another was known; several', collect)
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--verbose', 'with --dry-run: the scripts too');
}

/** `--no-token-cache` gives `false`, and the default of such a pair is `true`. */
function normalise<T extends CommonOptions>(options: T): T {
  const policy: unknown = options.tokenCache;
  if (policy === false) return { ...options, tokenCache: 'no-cache' };
  const { tokenCache: _none, ...rest } = options;
  return policy === true ? (rest as T) : options;
}

/**
 * The command line.
 * @param context made once the options are read: whether output is JSON is one of them
 * @param finish takes the exit code of the command that ran
 */
export function createProgram(
  context: (options: { readonly json?: boolean }) => CommandContext,
  finish: (code: ExitCode) => void,
): Command {
  const program = new Command('muster')
    .description('Enrolls devices into a fleet: identity, agent, key, heartbeat.')
    .version(version)
    .exitOverride()
    .showHelpAfterError()
    .addHelpText('after', environmentHelp);

  withEnrollment(program.command('enroll'))
    .description('enroll one device')
    .requiredOption('--target <target>', 'ssh://user@host:port, or local for this computer')
    .requiredOption('--device-id <id>', 'its name in the fleet')
    .option('--take-over', 'take the id over from another board that has it')
    .action(async (given: EnrollOptions & { target: string; deviceId: string; takeOver?: boolean }) => {
      const options = normalise(given);
      const entry = readEntry(options);
      const wish = { takeOver: options.takeOver === true };
      finish(await enroll(context(options), options, async () => [entry], wish));
    });

  withEnrollment(program.command('rotate'))
    .description('give a device a new key; the old one is deleted once the new one works')
    .argument('<device-id>')
    .requiredOption('--target <target>', 'ssh://user@host:port, or local for this computer')
    .action(async (deviceId: string, given: EnrollOptions & { target: string }) => {
      const options = normalise(given);
      if (options.dryRun)
        throw new UsageError('rotate has no dry run: it replaces the key, and does what enroll does.');
      const entry = readEntry({ ...options, deviceId });
      finish(await enroll(context(options), options, async () => [entry], { rotateKeys: true }));
    });

  withPatience(withReach(program.command('decommission')))
    .description('take a device out of the fleet: keys, account, agent, entry')
    .argument('<device-id>')
    .option('--target <target>', 'take the agent off there; without it the device is left as it is')
    .option('--keep-agent', 'leave the device as it is')
    .option('--remove-user', "delete the agent's user account and home too")
    .option('--yes', 'do not ask; needed where nobody can be asked')
    .action(async (deviceId: string, given: CommonOptions & WaitOption & DecommissionOptions) => {
      const options = { ...normalise(given), ...readPatience(given.waitForSignIn) };
      const run = context(options);
      requireUsable(run.secrets);
      requireDeviceId(deviceId);
      if (options.target !== undefined) readTarget(options.target);
      const needs = { ...needsOf(run), noAgent: true };
      const profile = await profileOf(options, needs, run.interrupts.signal);
      finish(await decommission(run, deviceId, profile, options));
    });

  withEnrollment(program.command('batch'))
    .description('enroll the devices of a CSV or JSON file, or of the profile')
    .argument('[file]', 'columns device_id, target, labels, label.NAME; or a JSON list; - for standard input')
    .action(async (file: string | undefined, given: EnrollOptions) => {
      const options = normalise(given);
      const run = context(options);
      if (file === undefined && options.profile === undefined)
        throw new UsageError('Name a file, or a profile with devices in it.');
      finish(
        await enroll(run, options, async () => (file === undefined ? undefined : readManifest(run, file))),
      );
    });

  withPatience(withReach(program.command('doctor')))
    .description('say what is wrong with a device, and change nothing')
    .requiredOption('--target <target>', 'ssh://user@host:port, or local for this computer')
    .option('--device-id <id>', 'its name in the fleet, to look up account and heartbeat')
    .option('--agent-binary <[arch=]file>', 'agent to compare with; several', collect)
    .action(async (given: CommonOptions & WaitOption & { target: string; deviceId?: string }) => {
      const options = { ...normalise(given), ...readPatience(given.waitForSignIn) };
      const run = context(options);
      requireUsable(run.secrets);
      const profile = await profileOf(
        options,
        { ...needsOf(run), mayBeIncomplete: true },
        run.interrupts.signal,
      );
      finish(await doctor(run, profile, options));
    });

  withPatience(withCommon(program.command('devices')))
    .description('list the fleet by its heartbeats')
    .option('--watch', 'go on until interrupted')
    .action(async (given: CommonOptions & WaitOption & { watch?: boolean }) => {
      const options = { ...normalise(given), ...readPatience(given.waitForSignIn) };
      const run = context(options);
      const profile = await profileOf(options, { ...needsOf(run), noAgent: true }, run.interrupts.signal);
      finish(await devices(run, profile, options));
    });

  withCommon(program.command('status'))
    .description('how the newest runs of this station ended')
    .argument('[device-id]')
    .action(async (deviceId: string | undefined, given: CommonOptions) => {
      const options = normalise(given);
      const run = context(options);
      const profile = await profileOf(
        options,
        { ...needsOf(run), mayBeIncomplete: true },
        run.interrupts.signal,
      );
      finish(await status(run, deviceId, profile, options));
    });

  withCommon(program.command('sign-out'))
    .description('revoke the remembered sign-in at the provider, and forget it')
    .action(async (given: CommonOptions) => {
      const options = normalise(given);
      const run = context(options);
      // A token that was handed in has nothing to do with what is remembered, and is left as it is.
      const profile = await profileOf(options, { hasToken: false, noAgent: true }, run.interrupts.signal);
      finish(await signOut(run, profile, options));
    });

  const setup = program.command('setup').description('set up an identity provider for a fleet');
  withTrust(setup.command('zitadel'))
    .description('find or make project, roles, apps, machine users with keys and grants; write a profile')
    .requiredOption('--issuer-url <url>', 'identity provider')
    .requiredOption('--project <name>', 'project of the fleet')
    .requiredOption('--out <folder>', 'where keys, client config and profile are kept')
    .option('--role <key>', 'role beside "device"; several', collect)
    .option('--machine-user <name[=role,…]>', 'machine user with a key; several', collect)
    .option('--station-app <name>', 'device-code app (Muster station)')
    .option('--api-app <name>', 'app of resource servers (Muster API)')
    .option('--key-valid-for-days <n>', 'of the machine users, 1 to 3650 (730)')
    .option('--dry-run', 'say what would change, and change nothing')
    .action(async (given: SetUpCommandOptions & { json?: boolean }) => {
      finish(await setUpZitadel(context(given), given));
    });

  const importing = program.command('import').description('take over what older tooling wrote');
  withTrust(importing.command('client-config'))
    .description('make a profile from a client-config.json')
    .argument('<file>')
    .requiredOption('--out <folder>', 'where the profile is written')
    .option('--issuer-url <url>', 'identity provider, where the file does not name it')
    .option('--project <name>', 'which project, where there are several')
    .option('--app <name>', 'which application signs in, where there are several')
    .action(async (file: string, given: ImportOptions & { json?: boolean }) => {
      finish(await importClientConfig(context(given), file, given));
    });
  return program;
}

function withTrust(command: Command): Command {
  return command
    .option('--admin-org-id <id>', 'organisation of the project, where the token belongs to another one')
    .option('--nats-url <url>', 'NATS of the fleet; several, or with commas', collect)
    .option('--ca-file <file>', 'authority of the identity provider and of NATS')
    .option('--danger-accept-invalid-certs', 'believe any certificate; never outside of tests')
    .option('--json', 'results as JSON lines');
}

function needsOf({ secrets }: CommandContext) {
  return { hasToken: secrets.token !== undefined };
}

function requireDeviceId(deviceId: string): string {
  const id = parseDeviceId(deviceId);
  if (!id.ok) throw new UsageError(`--device-id: ${id.problem.says}`);
  return id.id;
}

function readEntry({ deviceId, target }: { readonly deviceId: string; readonly target: string }): BenchEntry {
  const id = requireDeviceId(deviceId);
  readTarget(target);
  return { device_id: id, target };
}

async function enroll(
  context: CommandContext,
  options: EnrollOptions,
  bench: () => Promise<readonly BenchEntry[] | undefined>,
  wish: BatchWish = {},
): Promise<ExitCode> {
  const { signal } = context.interrupts;
  requireUsable(context.secrets);
  const given = {
    ...readPatience(options.waitForSignIn),
    trustedHostKeys: readFingerprints(options.trustHostKey),
  };
  if (options.dryRun && (options.setClock || given.trustedHostKeys.length > 0))
    throw new UsageError('A dry run changes nothing: neither --set-clock nor --trust-host-key.');
  const devices = await bench();
  const needs = { ...needsOf(context), ...(devices === undefined ? {} : { bench: devices }) };
  const profile = await profileOf(options, needs, signal);
  if (profile.bench.length === 0)
    throw new EnrollmentError('STATION_PROFILE_INVALID', {
      details: { path: options.profile ?? 'command line', problem: 'bench: there is no device in it' },
    });
  if (options.dryRun)
    return dryRun(context, profile, { ...options, ...given, takeOver: wish.takeOver === true });
  return runBatch(context, profile, { ...options, ...given }, { ...wish, setClock: options.setClock });
}

/** @throws STATION_MANIFEST_INVALID, after every bad row was told */
async function readManifest(
  { output, interrupts }: CommandContext,
  file: string,
): Promise<readonly BenchEntry[]> {
  const { signal } = interrupts;
  const isStandardInput = standardInput.includes(file);
  const path = isStandardInput ? 'Standard input' : file;
  if (isStandardInput && process.stdin.isTTY)
    throw new UsageError(
      `"${file}" reads the list from a pipe or a redirected file, and this is a terminal.`,
    );
  const invalid = (problem: string, evidence?: string): EnrollmentError =>
    new EnrollmentError('STATION_MANIFEST_INVALID', {
      details: { path, problem },
      ...(evidence === undefined ? {} : { evidence }),
    });
  let bytes: Uint8Array;
  try {
    bytes = isStandardInput
      ? await readLimitedStream(process.stdin, MANIFEST_LIMIT_BYTES, signal)
      : await readLimitedBytes(file, MANIFEST_LIMIT_BYTES, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw invalid('cannot be read', describeThrown(thrown));
  }
  const manifest = judgeManifest(bytes);
  if (manifest.ok) return manifest.devices;
  for (const { row, column, says } of manifest.problems) {
    output.event('manifest-problem', { row, column, says });
    const place = [row === 0 ? '' : `row ${row}`, column].filter((part) => part !== '').join(', ');
    if (!output.isJson) output.note(`${path}${place === '' ? '' : `, ${place}`}: ${says}`);
  }
  const count = manifest.problems.length;
  throw invalid(count === 1 ? 'one problem' : `${count} problems`);
}

const environmentHelp = `
Secrets come by environment, each also as NAME_FILE (a file) or NAME_FD (an open descriptor), and never as arguments:
  MUSTER_ADMIN_TOKEN          token of automation, used as it is (HARMONY_ZITADEL_ADMIN_TOKEN does too)
  MUSTER_SUDO_PASSWORD        MUSTER_SSH_PASSWORD        MUSTER_SSH_KEY_PASSPHRASE
On a terminal they are asked for when a device needs them, once for all devices.

Exit codes: ${exitCodes.ok} all is well, ${exitCodes.notAll} a device is not enrolled or has a problem, ${exitCodes.usage} usage,
  ${exitCodes.signIn} sign-in or token, ${exitCodes.input} profile or manifest, ${exitCodes.station} this computer, ${exitCodes.interrupted} interrupted, ${exitCodes.terminated} terminated,
  ${exitCodes.hungUp} the terminal is gone, ${exitCodes.outputClosed} nobody reads the output any more.
`;

import { hostname } from 'node:os';
import { createStation } from '../engine/station.ts';
import type { ErrorView } from '../errors/enrollment-error.ts';
import { printable } from '../model/printable.ts';
import type { Profile } from '../model/profile.ts';
import type { DecommissionFinding, DecommissionView, StationDelta } from '../model/station-state.ts';
import { askLine } from './ask-secret.ts';
import { type CommandContext, openPorts, type StationOptions } from './command-context.ts';
import { type ExitCode, exitCodeOfDevices, exitCodes } from './exit-codes.ts';
import { errorFields, type Output, tellNotice } from './output.ts';
import { type DeviceSecrets, SecretQuestions } from './secret-questions.ts';
import { SignInWatch } from './sign-in.ts';
import { SignInAgain } from './sign-in-again.ts';
import { maySignInAgain, type SignInPatience } from './sign-in-patience.ts';
import { UsageError } from './usage-error.ts';
import { version } from './version.ts';

export interface DecommissionOptions extends StationOptions, SignInPatience {
  readonly target?: string;
  readonly keepAgent?: boolean;
  readonly removeUser?: boolean;
  readonly yes?: boolean;
}

/**
 * Takes one device out of the fleet and says what was deleted and what was gone already. Keys and account do not wait for a
 * password of the device: it is asked for once that needs it, and the rest goes on.
 * @returns `ok` when nothing of it is left that was to go
 * @throws UsageError where nobody can be asked and `--yes` is missing, and what ends it before it begins
 */
export async function decommission(
  context: CommandContext,
  deviceId: string,
  profile: Profile,
  options: DecommissionOptions,
): Promise<ExitCode> {
  const { output, interrupts, secrets, terminal } = context;
  const { signal } = interrupts;
  if (!(await isConfirmed(context, deviceId, options))) {
    output.note('Nothing was changed.');
    return exitCodes.notAll;
  }
  const signIn = new SignInWatch();
  // What the station publishes while it is made is of no concern here: nothing runs yet.
  let take: (delta: StationDelta) => void = () => undefined;
  const { signInPatienceMs } = options;
  const station = createStation({
    ports: openPorts(context, profile, options, 'write'),
    ...{ profile, stationName: hostname(), version },
    isAttended: maySignInAgain(secrets, options),
    ...(signInPatienceMs === undefined ? {} : { signInPatienceMs }),
    publish: (delta) => take(delta),
    publishLog: () => undefined,
  });
  const again = new SignInAgain({
    begin: () => void station.handle('session.signIn', null),
    cancel: () => void station.handle('session.cancel', null),
    giveUp: () => station.giveUpSignIn(),
  });
  const notices = new Set(station.state.notices.map(({ id }) => id));
  take = ({ session }) => {
    const { state } = station;
    if (session !== undefined) signIn.show(session, output);
    for (const { id, tone, text } of state.notices) {
      if (!notices.has(id)) tellNotice(output, tone, text);
      notices.add(id);
    }
    again.take(state.session, state.decommissions?.[deviceId]?.awaitsSignIn === true);
  };
  try {
    const driver = {
      resume: () => station.start(),
      begin: () => void station.handle('session.signIn', null),
      goOnHere: () => void station.handle('session.signInHere', null),
      cancel: () => void station.handle('session.cancel', null),
    };
    await signIn.require(driver, {
      ...{ output, signal, terminal, isGiven: secrets.token !== undefined },
    });
    signal.throwIfAborted();
    // An interrupt cuts it off: the station closes and with it what runs.
    const stop = (): void => void station.shutDown();
    signal.addEventListener('abort', stop, { once: true });
    const run = async (given: DeviceSecrets): Promise<DecommissionView | undefined> => {
      await station.handle('device.decommission', {
        ...{ deviceId, target: options.target, keepAgent: options.keepAgent, removeUser: options.removeUser },
        sshPassword: given.sshPassword?.reveal(),
        sudoPassword: given.sudoPassword?.reveal(),
        keyPassphrase: given.keyPassphrase?.reveal(),
      });
      await station.whenDecommissioned();
      return station.state.decommissions?.[deviceId];
    };
    let before: DecommissionView | undefined;
    const ended = await new SecretQuestions(context).answering(
      deviceId,
      async (given) => {
        before = withEarlier(await run(given), before);
        return before;
      },
      (view) => deviceFinding(view)?.error?.secretNeeded,
    );
    signal.removeEventListener('abort', stop);
    return interrupts.exitCode ?? tell(output, ended);
  } finally {
    again.close();
    await station.shutDown();
  }
}

function deviceFinding(view: DecommissionView | undefined): DecommissionFinding | undefined {
  return view?.findings.find(({ what }) => what === 'device');
}

/** A run that was taken up again with a password finds gone what it has deleted itself before. */
function withEarlier(
  view: DecommissionView | undefined,
  before: DecommissionView | undefined,
): DecommissionView | undefined {
  if (view === undefined || before === undefined) return view;
  const findings = view.findings.map((finding) => {
    const earlier = before.findings.find(({ what }) => what === finding.what);
    return finding.state === 'gone' && earlier?.state === 'deleted' ? earlier : finding;
  });
  return { ...view, findings };
}

async function isConfirmed(
  { terminal, interrupts }: CommandContext,
  deviceId: string,
  options: DecommissionOptions,
): Promise<boolean> {
  if (options.yes === true) return true;
  if (terminal === undefined)
    throw new UsageError('decommission deletes keys and account: say --yes where nobody can be asked.');
  const question = `${deviceId} leaves the fleet, with its keys and its account. Type its id to go on: `;
  return (await askLine(terminal, question, interrupts.signal)) === deviceId;
}

function tell(output: Output, view: DecommissionView | undefined): ExitCode {
  if (view === undefined) return exitCodes.notAll;
  const { deviceId, state, findings, error } = view;
  const lines = findings.map(
    (one) => `  ${one.what.padEnd(8)} ${one.state.padEnd(8)} ${printable(one.text)}`,
  );
  const verdict = state === 'done' ? 'is out of the fleet' : 'is not out of the fleet yet: do the same again';
  output.event(
    'decommission',
    {
      ...{ deviceId, state },
      findings: findings.map(({ what, state: how, text, error: why }) => ({
        ...{ what, state: how, text },
        ...(why === undefined ? {} : { error: errorFields(why as ErrorView) }),
      })),
    },
    [`${deviceId} ${verdict}`, ...lines].join('\n'),
  );
  const failures = [error, ...findings.map((one) => one.error)].filter((one) => one !== undefined);
  for (const one of failures) output.error(one as ErrorView, deviceId);
  return state === 'done' ? exitCodes.ok : exitCodeOfDevices(failures.map((one) => one.code));
}

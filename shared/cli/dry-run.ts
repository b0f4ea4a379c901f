import { asEnrollmentError } from '../engine/limits.ts';
import {
  type EnrollmentPreview,
  type PreviewAction,
  type PreviewInput,
  previewEnrollment,
} from '../engine/preview.ts';
import { EnrollmentError, type ErrorView, toErrorView } from '../errors/enrollment-error.ts';
import { parseDeviceId } from '../model/device-id.ts';
import { megabytesText } from '../model/duration-text.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import { printable } from '../model/printable.ts';
import type { BenchEntry, Profile } from '../model/profile.ts';
import type { Heartbeat } from '../model/station-state.ts';
import type { CommandContext } from './command-context.ts';
import { type ExitCode, exitCodeOfDevices } from './exit-codes.ts';
import type { EventFields } from './json-lines.ts';
import { Observer, type ObserverOptions } from './observer.ts';
import type { Output } from './output.ts';
import { reachOf } from './reach-options.ts';
import { type DeviceSecrets, SecretQuestions } from './secret-questions.ts';
import { sideBySide } from './side-by-side.ts';
import { UsageError } from './usage-error.ts';

export interface DryRunOptions extends ObserverOptions {
  /** Print the scripts too. */
  readonly verbose?: boolean;
  /** Take ids over that were given to other boards. */
  readonly takeOver?: boolean;
}

/**
 * Says what an enrollment of these devices would change. Changes nothing.
 * @returns `ok` when each of them could be enrolled as far as can be seen
 */
export async function dryRun(
  context: CommandContext,
  profile: Profile,
  options: DryRunOptions,
): Promise<ExitCode> {
  const observer = new Observer(context, profile, options);
  const { output, interrupts } = context;
  const failures: EnrollmentErrorCode[] = [];
  try {
    await observer.session.require();
    const heard = await newestHeartbeats(observer, output);
    const questions = new SecretQuestions(context);
    const looks = sideBySide(profile.bench, profile.batch.concurrency, (entry) =>
      look(() =>
        questions.answering(entry.device_id, (secrets) =>
          preview(observer, entry, secrets, {
            takeOver: options.takeOver === true,
            heard: heard.get(entry.device_id),
          }),
        ),
      ),
    );
    for (const [index, { device_id: deviceId }] of profile.bench.entries()) {
      const seen = await looks[index];
      await questions.whenQuiet();
      interrupts.signal.throwIfAborted();
      if (seen === undefined) continue;
      if (seen.ok) tellPreview(output, seen.preview, options.verbose === true);
      else {
        output.error(seen.error, deviceId);
        failures.push(seen.error.code);
      }
    }
    return exitCodeOfDevices(failures);
  } finally {
    await observer.close();
  }
}

type Look =
  | { readonly ok: true; readonly preview: EnrollmentPreview }
  | { readonly ok: false; readonly error: ErrorView };

/** One device's error is told in its turn, and ends nobody else's look. */
async function look(previewing: () => Promise<EnrollmentPreview>): Promise<Look> {
  try {
    return { ok: true, preview: await previewing() };
  } catch (thrown) {
    return { ok: false, error: toErrorView(asEnrollmentError(thrown)) };
  }
}

/**
 * The newest heartbeat of every device, as the bucket holds it now. Where it cannot be had, the rest of the dry run is worth
 * having all the same.
 */
async function newestHeartbeats(observer: Observer, output: Output): Promise<ReadonlyMap<string, Heartbeat>> {
  const heard = new Map<string, Heartbeat>();
  if (observer.profile.nats === undefined) return heard;
  try {
    await observer.followFleet({ onHeartbeat: (beat) => heard.set(beat.deviceId, beat) });
  } catch (thrown) {
    if (observer.signal.aborted || !(thrown instanceof EnrollmentError)) throw thrown;
    output.note(`${toErrorView(thrown).says} Whether other boards are alive was not looked at.`);
  }
  return heard;
}

async function preview(
  { ports, profile, session, identity, signal }: Observer,
  entry: BenchEntry,
  secrets: DeviceSecrets,
  asked: Pick<PreviewInput, 'takeOver' | 'heard'>,
): Promise<EnrollmentPreview> {
  const id = parseDeviceId(entry.device_id);
  if (!id.ok) throw new UsageError(`--device-id: ${id.problem.says}`);
  return previewEnrollment({
    ...{ ports, profile, identity, signal, tokens: session, deviceId: id.id },
    ...{ ...asked, labels: { ...profile.labels, ...entry.labels } },
    ...reachOf(entry, profile, secrets),
  });
}

function tellPreview(output: Output, seen: EnrollmentPreview, verbose: boolean): void {
  const { hostKeyFingerprint, takesOver, mayBeAlive, steps, ...rest } = seen;
  output.event(
    'preview',
    {
      ...rest,
      ...(hostKeyFingerprint === undefined ? {} : { hostKeyFingerprint }),
      ...(takesOver === undefined ? {} : { takesOver }),
      ...(mayBeAlive === undefined ? {} : { mayBeAlive }),
      steps: steps.map(({ id, state, why, actions }) => ({
        ...{ id, state, actions: actions.map(actionFields) },
        ...(why === undefined ? {} : { why }),
      })),
    },
    previewText(output, seen, verbose),
  );
}

function actionFields(action: PreviewAction): EventFields<'preview'>['steps'][number]['actions'][number] {
  if (action.kind !== 'command') return action;
  const { kind, shows, script } = action;
  return { kind, shows, ...(script === undefined ? {} : { script }) };
}

function previewText({ paint }: Output, seen: EnrollmentPreview, verbose: boolean): string {
  const { hostKeyFingerprint, hostKeyIsPinned, takesOver, mayBeAlive } = seen;
  const key =
    hostKeyFingerprint === undefined
      ? ''
      : `, host key ${hostKeyFingerprint} ${hostKeyIsPinned ? 'as pinned' : 'would be pinned'}`;
  const verdict = seen.changes ? `would change, in ${seen.trips} exchanges` : 'nothing to change';
  return [
    `${paint.strong(seen.deviceId)}  ${seen.target}: ${verdict}`,
    paint.dim(`  ${seen.system}, ${seen.architecture}${key}`),
    ...(takesOver === undefined ? [] : [`  takes the id over from ${takesOver}`]),
    ...(mayBeAlive === undefined
      ? []
      : [`  another board may be alive with the id: ${printable(mayBeAlive)}`]),
    ...seen.steps.flatMap(({ title, state, why, actions }) => [
      `  ${title.padEnd(13)} ${state === 'pending' ? '' : `${state}: ${why ?? ''}`}`.trimEnd(),
      ...actions.flatMap((action) => actionLines(action, verbose)),
    ]),
    '',
  ].join('\n');
}

const marks: Readonly<Record<PreviewAction['kind'], string>> = {
  identity: '+',
  command: '$',
  upload: '>',
  'mint-key': '+',
  'delete-key': '-',
  'wait-for-heartbeat': '…',
};

function actionLines(action: PreviewAction, verbose: boolean): string[] {
  const size = action.kind === 'upload' ? ` (${action.file}, ${megabytesText(action.sizeBytes)})` : '';
  const script = verbose && action.kind === 'command' ? (action.script ?? '') : '';
  return [
    `    ${marks[action.kind]} ${action.shows}${size}`,
    ...(script === '' ? [] : script.split('\n').map((line) => `        ${line}`)),
  ];
}

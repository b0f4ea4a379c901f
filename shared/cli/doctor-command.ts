import { type Diagnosis, diagnose } from '../engine/doctor.ts';
import { doctorTitles, type Finding } from '../engine/doctor-checks.ts';
import { remedies } from '../errors/remedies.ts';
import type { Remedy, SecretNeeded } from '../errors/remedy.ts';
import { type DeviceId, parseDeviceId } from '../model/device-id.ts';
import { printable } from '../model/printable.ts';
import type { Profile } from '../model/profile.ts';
import type { Heartbeat } from '../model/station-state.ts';
import type { CommandContext, StationOptions } from './command-context.ts';
import { type ExitCode, exitCodeOfDevices } from './exit-codes.ts';
import { Observer } from './observer.ts';
import type { Output } from './output.ts';
import { namesFleet } from './profile-options.ts';
import { reachOf, readTarget } from './reach-options.ts';
import { SecretQuestions } from './secret-questions.ts';
import type { SignInPatience } from './sign-in-patience.ts';
import { UsageError } from './usage-error.ts';

export interface DoctorOptions extends StationOptions, SignInPatience {
  readonly target: string;
  readonly deviceId?: string;
}

/**
 * Says what is wrong with a target. Changes nothing, and asks nobody for a sign-in to begin with: a remembered or handed-in one
 * is used where there is one. One that it has begun with and that ends on the way is waited for.
 * @returns `notAll` when there is a problem; `signIn` when the sign-in that ended is the only one
 */
export async function doctor(
  context: CommandContext,
  profile: Profile,
  options: DoctorOptions,
): Promise<ExitCode> {
  const { output } = context;
  const deviceId = options.deviceId === undefined ? undefined : readId(options.deviceId);
  readTarget(options.target);
  const observer = new Observer(context, profile, options);
  try {
    const knowsFleet = namesFleet(profile);
    const isSignedIn = knowsFleet && (await observer.session.resume());
    const sees = isSignedIn && profile.nats !== undefined;
    const diagnosis = await new SecretQuestions(context).answering(
      deviceId ?? options.target,
      (secrets) =>
        diagnose({
          ...{ ports: observer.ports, profile, deviceId, signal: observer.signal, knowsFleet },
          ...reachOf(options, profile, secrets),
          identity: isSignedIn ? observer.identity : undefined,
          heartbeatOf: sees ? (id) => newestHeartbeat(observer, id) : undefined,
        }),
      secretNeededBy,
    );
    const { target, problems, findings } = diagnosis;
    output.event(
      'diagnosis',
      {
        ...{ target, problems, findings: findings.map(findingFields) },
        ...(deviceId === undefined ? {} : { deviceId }),
      },
      [...findings.map((finding) => findingText(finding, output)), '', verdict(target, problems)].join('\n'),
    );
    const codes = findings.filter((finding) => finding.state === 'problem').map((finding) => finding.code);
    return exitCodeOfDevices(codes);
  } finally {
    await observer.close();
  }
}

/** The first problem is the one that hides the rest. */
function secretNeededBy({ findings }: Diagnosis): SecretNeeded | undefined {
  const code = findings.find((finding) => finding.state === 'problem')?.code;
  const remedy: Remedy | undefined = code === undefined ? undefined : remedies[code];
  return remedy?.secretNeeded;
}

function readId(text: string): DeviceId {
  const id = parseDeviceId(text);
  if (!id.ok) throw new UsageError(`--device-id: ${id.problem.says}`);
  return id.id;
}

async function newestHeartbeat(observer: Observer, id: DeviceId): Promise<Heartbeat | undefined> {
  let newest: Heartbeat | undefined;
  await observer.followFleet({
    onHeartbeat: (heartbeat) => {
      if (heartbeat.deviceId === id) newest = heartbeat;
    },
  });
  return newest;
}

function findingFields({ check, state, says, operatorDoes, code, evidence }: Finding) {
  return {
    ...{ check, state, says },
    ...(operatorDoes === undefined ? {} : { operatorDoes }),
    ...(code === undefined ? {} : { code }),
    ...(evidence === undefined || evidence === '' ? {} : { evidence }),
  };
}

const TITLE_WIDTH = 14;

function findingText({ check, state, says, operatorDoes, evidence }: Finding, { paint }: Output): string {
  const mark = { ok: paint.done('ok     '), problem: paint.failed('problem'), unknown: paint.dim('unknown') }[
    state
  ];
  const indent = ' '.repeat(TITLE_WIDTH + 9);
  const more = [operatorDoes ?? '', ...(state === 'problem' ? (evidence ?? '').split('\n').slice(0, 8) : [])];
  return [
    `${doctorTitles[check].padEnd(TITLE_WIDTH)} ${mark} ${printable(says)}`,
    ...more.filter((line) => line.trim() !== '').map((line) => `${indent}${printable(line)}`),
  ].join('\n');
}

function verdict(target: string, problems: number): string {
  if (problems === 0) return `No problem was found with ${target}.`;
  return `${problems === 1 ? 'One problem was' : `${problems} problems were`} found with ${target}. Nothing was changed.`;
}

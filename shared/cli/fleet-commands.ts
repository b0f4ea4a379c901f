import { readFileJournal } from '../adapters/journal/file-journal.ts';
import type { RunRecord } from '../engine/ports.ts';
import { durationText } from '../model/duration-text.ts';
import { printable } from '../model/printable.ts';
import type { Profile } from '../model/profile.ts';
import type { Heartbeat } from '../model/station-state.ts';
import type { CommandContext, StationOptions } from './command-context.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Observer } from './observer.ts';
import { stateFolder } from './state-folder.ts';
import { tableText } from './table.ts';

/** An agent that has not reported for so long is marked. */
const STALE_MS = 5 * 60_000;
const REDRAW_MS = 1000;

export interface DevicesOptions extends StationOptions {
  readonly watch?: boolean;
}

/** The fleet by its heartbeats: once, or until interrupted. */
export async function devices(
  context: CommandContext,
  profile: Profile,
  options: DevicesOptions,
): Promise<ExitCode> {
  const { output } = context;
  const observer = new Observer(context, profile, options);
  const fleet = new Map<string, Heartbeat>();
  const left = leftFrom(observer.ports.journal.latestRuns());
  try {
    await observer.requireSignIn();
    await observer.followFleet({
      onHeartbeat: (heartbeat) => {
        fleet.set(heartbeat.deviceId, heartbeat);
        if (output.isJson) output.event('heartbeat', beatFields(heartbeat, left));
        else if (options.watch && !output.isLive) output.stdout.write(`${beatLine(heartbeat, left)}\n`);
      },
    });
    if (!options.watch) {
      if (!output.isJson) output.stdout.write(`${fleetTable(fleet, left).join('\n')}\n`);
      return exitCodes.ok;
    }
    await watchFleet(context, fleet, left);
    return exitCodes.ok;
  } finally {
    await observer.close();
  }
}

/** Draws the table in place, until interrupted: that is how a watch ends, and no failure. */
async function watchFleet(
  { output, interrupts }: CommandContext,
  fleet: ReadonlyMap<string, Heartbeat>,
  left: Left,
): Promise<void> {
  const { signal } = interrupts;
  let drawn = 0;
  const draw = (): void => {
    const room = Math.max(3, (output.stdout.rows ?? 40) - 1);
    const lines = fleetTable(fleet, left).slice(0, room);
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    output.stdout.write(
      `${up}${lines.map((line) => `\u001b[2K${line.slice(0, output.stdout.columns ?? 200)}\n`).join('')}\u001b[J`,
    );
    drawn = lines.length;
  };
  const timer = output.isLive ? setInterval(draw, REDRAW_MS) : undefined;
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(timer);
}

function seenText(heartbeat: Heartbeat): string {
  const age = Math.max(0, Date.now() - heartbeat.receivedAt);
  return `${durationText(age)} ago${age > STALE_MS ? ' !' : ''}`;
}

/** When this station has taken devices out of the fleet, by id. Whoever reports on is not what it was. */
type Left = ReadonlyMap<string, number>;

function leftFrom(runs: readonly RunRecord[]): Left {
  const left = runs.filter((run) => run.state === 'decommissioned');
  return new Map(left.map((run) => [run.deviceId, run.finishedAt ?? run.startedAt]));
}

function leftText(deviceId: string, left: Left): string {
  const at = left.get(deviceId);
  return at === undefined ? '' : `decommissioned ${new Date(at).toISOString().slice(0, 10)}, still reports`;
}

function beatFields(heartbeat: Heartbeat, left: Left) {
  const at = left.get(heartbeat.deviceId);
  return { ...heartbeat, ...(at === undefined ? {} : { decommissionedAt: new Date(at).toISOString() }) };
}

function beatLine(heartbeat: Heartbeat, left: Left): string {
  const { receivedAt, deviceId, agentVersion = '' } = heartbeat;
  const words = [new Date(receivedAt).toISOString(), printable(deviceId), printable(agentVersion)];
  return [...words, leftText(deviceId, left)].join('  ').trimEnd();
}

/** Everything in it comes from devices. */
function fleetTable(fleet: ReadonlyMap<string, Heartbeat>, left: Left): string[] {
  const rows = [...fleet.values()]
    .sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
    .map((heartbeat) => [
      heartbeat.deviceId,
      [seenText(heartbeat), leftText(heartbeat.deviceId, left)].filter((part) => part !== '').join(', '),
      heartbeat.agentVersion ?? '',
      heartbeat.architecture ?? '',
      heartbeat.os ?? '',
      heartbeat.addresses[0] ?? '',
      Object.entries(heartbeat.labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ]);
  return [
    ...tableText(['DEVICE', 'SEEN', 'AGENT', 'ARCHITECTURE', 'SYSTEM', 'ADDRESS', 'LABELS'], rows),
    `${rows.length} device${rows.length === 1 ? '' : 's'}`,
  ];
}

/**
 * The newest run of every device this station enrolled or took out of the fleet, or of one; with a sign-in at hand, its heartbeat too.
 * @returns `notAll` when the device that was asked for is not known here
 */
export async function status(
  context: CommandContext,
  deviceId: string | undefined,
  profile: Profile | undefined,
  options: StationOptions,
): Promise<ExitCode> {
  const { output } = context;
  const journal = readFileJournal(stateFolder(options.stateDir, context.environment));
  const runs = journal.latestRuns().filter((run) => deviceId === undefined || run.deviceId === deviceId);
  for (const run of runs) output.event('run', runFields(run));
  if (!output.isJson) output.stdout.write(`${runTable(runs).join('\n')}\n`);
  const beat =
    deviceId === undefined || profile?.nats === undefined
      ? undefined
      : await heartbeatOf(context, deviceId, profile, options);
  if (beat !== undefined) {
    const left = leftFrom(runs);
    const says = leftText(beat.deviceId, left);
    output.event(
      'heartbeat',
      beatFields(beat, left),
      `last heartbeat ${seenText(beat)}${says === '' ? '' : `: ${says}`}`,
    );
  }
  return deviceId !== undefined && runs.length === 0 && beat === undefined ? exitCodes.notAll : exitCodes.ok;
}

async function heartbeatOf(
  context: CommandContext,
  deviceId: string,
  profile: Profile,
  options: StationOptions,
): Promise<Heartbeat | undefined> {
  const observer = new Observer(context, profile, options);
  let newest: Heartbeat | undefined;
  try {
    if (!(await observer.takeUpSignIn())) return undefined;
    await observer.followFleet({
      onHeartbeat: (heartbeat) => {
        if (heartbeat.deviceId === deviceId) newest = heartbeat;
      },
    });
    return newest;
  } finally {
    await observer.close();
  }
}

function runFields({ startedAt, finishedAt, errorCode, ...run }: RunRecord) {
  return {
    ...run,
    startedAt: new Date(startedAt).toISOString(),
    ...(finishedAt === undefined ? {} : { finishedAt: new Date(finishedAt).toISOString() }),
    ...(errorCode === undefined ? {} : { errorCode }),
  };
}

function runTable(runs: readonly RunRecord[]): string[] {
  const rows = runs.map((run) => [
    run.deviceId,
    // A run that is still on the way belongs to another program, or its program was ended.
    run.state,
    new Date(run.startedAt).toISOString(),
    run.finishedAt === undefined ? '' : durationText(run.finishedAt - run.startedAt),
    run.target,
    run.errorCode ?? '',
  ]);
  return rows.length === 0
    ? ['Nothing was enrolled from here.']
    : tableText(['DEVICE', 'STATE', 'STARTED', 'TOOK', 'TARGET', 'ERROR'], rows);
}

import { readFileJournal } from '../adapters/journal/file-journal.ts';
import type { RunRecord } from '../engine/ports.ts';
import { durationText } from '../model/duration-text.ts';
import { printable } from '../model/printable.ts';
import type { Profile } from '../model/profile.ts';
import type { Heartbeat } from '../model/station-state.ts';
import type { CommandContext, StationOptions } from './command-context.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Observer, type ObserverOptions } from './observer.ts';
import type { TextStream } from './output.ts';
import { stateFolder } from './state-folder.ts';
import { tableText } from './table.ts';

/** An agent that has not reported for so long is marked. */
const STALE_MS = 5 * 60_000;
const REDRAW_MS = 1000;

export interface DevicesOptions extends ObserverOptions {
  readonly watch?: boolean;
}

/** The fleet by its heartbeats: once, or until interrupted. */
export async function devices(
  context: CommandContext,
  profile: Profile,
  options: DevicesOptions,
): Promise<ExitCode> {
  const { output } = context;
  const fleet = new Map<string, Heartbeat>();
  const screen = new FleetScreen(output.stdout);
  const observer = new Observer(context, profile, { ...options, onNote: () => screen.beginBelow() });
  const left = leftFrom(observer.ports.journal.latestRuns());
  try {
    await observer.session.require();
    await observer.followFleet({
      onHeartbeat: (heartbeat) => {
        fleet.set(heartbeat.deviceId, heartbeat);
        if (!options.watch) return;
        if (output.isJson) output.event('heartbeat', beatFields(heartbeat, left));
        else if (!output.isLive) output.stdout.write(`${beatLine(heartbeat, left)}\n`);
      },
    });
    if (!options.watch) {
      // A device may have reported once more since: each is told once, by its newest.
      if (!output.isJson) output.stdout.write(`${fleetTable(fleet, left).join('\n')}\n`);
      else for (const heartbeat of fleet.values()) output.event('heartbeat', beatFields(heartbeat, left));
      return exitCodes.ok;
    }
    await watchFleet(observer, output.isLive ? screen : undefined, () => fleetTable(fleet, left));
    return exitCodes.ok;
  } finally {
    await observer.close();
  }
}

/** Until interrupted: that is how a watch ends, and no failure. @throws what ended the sign-in, once nobody signs in again */
async function watchFleet(
  observer: Observer,
  screen: FleetScreen | undefined,
  table: () => readonly string[],
): Promise<void> {
  const timer = screen === undefined ? undefined : setInterval(() => screen.draw(table()), REDRAW_MS);
  try {
    await observer.untilInterrupted();
  } finally {
    clearInterval(timer);
  }
}

/** Draws lines in place of those before. */
class FleetScreen {
  readonly #stdout: TextStream;
  #drawn = 0;

  constructor(stdout: TextStream) {
    this.#stdout = stdout;
  }

  draw(all: readonly string[]): void {
    const { rows = 40, columns = 200 } = this.#stdout;
    const lines = all.slice(0, Math.max(3, rows - 1));
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
    this.#stdout.write(
      `${up}${lines.map((line) => `\u001b[2K${line.slice(0, columns)}\n`).join('')}\u001b[J`,
    );
    this.#drawn = lines.length;
  }

  /** Something else was written below: what was drawn so far stays, and the next lines come after it. */
  beginBelow(): void {
    this.#drawn = 0;
  }
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
  // What the heartbeat adds is worth no question.
  const observer = new Observer(context, profile, { ...options, signInPatienceMs: 0 });
  let newest: Heartbeat | undefined;
  try {
    if (!(await observer.session.resume())) return undefined;
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

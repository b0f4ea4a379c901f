import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemoryTokenCache } from '#shared/adapters/keychain/memory-token-cache.ts';
import { elapsedMs, rowsInOrder } from '#shared/cli/board-text.ts';
import { TerminalBoard } from '#shared/cli/terminal-board.ts';
import { describeThrown } from '#shared/errors/enrollment-error.ts';
import { durationText } from '#shared/model/duration-text.ts';
import { type HeadlessArguments, readHeadlessArguments, usage } from './headless-arguments.ts';
import { type Summary, summarise } from './headless-summary.ts';
import { type Lab, numberedDevices, startLab } from './lab.ts';
import { LabStation } from './lab-station.ts';

/**
 * The lab's batch in the terminal, for machines without a display: the same core, the same lab, a board drawn with
 * text. Exit status 0 when every device is enrolled, 1 when not, 2 for arguments it does not know.
 */
const projectRoot = path.resolve(import.meta.dirname, '../..');
const RUN_LIMIT_MS = 60 * 60_000;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function runBatch(station: LabStation, board: TerminalBoard, signal: AbortSignal): Promise<Summary> {
  signal.throwIfAborted();
  board.start();
  const stop = (): void => {
    // A batch that just ended by itself cannot be stopped any more.
    station.station.handle('batch.stop', null).catch((error: unknown) => say(describeThrown(error)));
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await station.enrollAll();
  } finally {
    signal.removeEventListener('abort', stop);
    board.stop();
  }
  const summary = summarise(station.state);
  const times = rowsInOrder(station.state)
    .map((row) => elapsedMs(row, 0) ?? 0)
    .sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  say(
    `${summary.enrolled} of ${summary.total} enrolled in ${durationText(summary.seconds * 1000)}, ${summary.failed} failed; ` +
      `median device ${durationText(median)}, ${summary.roundTripsPerDevice.toFixed(1)} round trips each.`,
  );
  return summary;
}

/**
 * Starts the lab; the signal breaks only its start off. A running lab is ended by its `stop` alone, after the station
 * has taken back at it what a stopped batch began.
 */
async function startLabUntil(signal: AbortSignal, args: HeadlessArguments, dir: string): Promise<Lab> {
  const starting = new AbortController();
  const breakOff = (): void => starting.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', breakOff, { once: true });
  try {
    return await startLab({
      ...{ dir: path.join(dir, 'lab'), projectRoot, devices: numberedDevices(args.devices) },
      natsServer: process.env.MUSTER_NATS_SERVER ?? 'nats-server',
      signal: starting.signal,
      onProgress: (text) => say(`lab: ${text}`),
    });
  } finally {
    signal.removeEventListener('abort', breakOff);
  }
}

async function run(args: HeadlessArguments, dir: string, signal: AbortSignal): Promise<number> {
  const manifest: { version: string } = JSON.parse(
    await readFile(path.join(projectRoot, 'package.json'), 'utf8'),
  );
  const lab = await startLabUntil(signal, args, dir);
  let board: TerminalBoard | undefined;
  try {
    signal.throwIfAborted();
    const station = await LabStation.open({
      ...{ profilePath: lab.profilePath, userDataDir: dir, version: manifest.version, signal },
      tokenCache: createMemoryTokenCache(),
      onDelta: (delta) => board?.take(delta),
      onApproving: () =>
        say("sign-in: no browser here; the lab's own operator approves the code on the sign-in page"),
    });
    try {
      await station.signIn(signal);
      const { session } = station.state;
      if (session.state === 'signed-in') say(`sign-in: ${session.account}, kept in memory`);
      board = new TerminalBoard(process.stdout, station.state, { nowMs: () => Date.now() });
      let summary = await runBatch(station, board, signal);
      if (args.again && !signal.aborted) {
        say('again: the same devices, nothing may change');
        board = new TerminalBoard(process.stdout, station.state, { nowMs: () => Date.now() });
        summary = await runBatch(station, board, signal);
      }
      if (args.summary !== undefined) await writeFile(args.summary, `${JSON.stringify(summary)}\n`);
      return summary.enrolled === summary.total ? 0 : 1;
    } finally {
      await station.close();
    }
  } finally {
    await lab.stop();
  }
}

async function main(): Promise<number> {
  let args: HeadlessArguments;
  try {
    args = readHeadlessArguments(process.argv.slice(2), process.cwd());
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (args.help) {
    say(usage);
    return 0;
  }
  const lifetime = new AbortController();
  const limit = setTimeout(
    () => lifetime.abort(new Error('The run took longer than an hour.')),
    RUN_LIMIT_MS,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Who asks twice does not want to wait for the end in good order.
      if (lifetime.signal.aborted) process.exit(1);
      lifetime.abort(new Error(`ended by ${signal}`));
    });
  }
  const dir = args.userDataDir ?? (await mkdtemp(path.join(tmpdir(), 'muster-')));
  try {
    return await run(args, dir, lifetime.signal);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    clearTimeout(limit);
    if (args.userDataDir === undefined) await rm(dir, { recursive: true, force: true });
  }
}

process.exitCode = await main();

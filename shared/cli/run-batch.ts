import { hostname } from 'node:os';
import { createStation, type Station } from '../engine/station.ts';
import type { BatchWish } from '../engine/station-batches.ts';
import type { ErrorView } from '../errors/enrollment-error.ts';
import type { SecretNeeded } from '../errors/remedy.ts';
import { durationText } from '../model/duration-text.ts';
import type { Profile } from '../model/profile.ts';
import type { Secret } from '../model/secret.ts';
import type { EnrollmentRow, StationDelta } from '../model/station-state.ts';
import { askSecret } from './ask-secret.ts';
import { BatchEvents } from './batch-events.ts';
import { countRows, rowsInOrder } from './board-text.ts';
import { type CommandContext, openPorts, type StationOptions } from './command-context.ts';
import { type ExitCode, exitCodeOfDevices, exitCodes } from './exit-codes.ts';
import { errorText } from './output.ts';
import { SecretDesk, secretInputs } from './secret-desk.ts';
import { SignInWatch } from './sign-in.ts';
import { TerminalBoard } from './terminal-board.ts';
import { version } from './version.ts';

/**
 * Enrolls the devices of the profile's bench, all of them, and shows how it goes.
 * @param wish what is asked for beside the enrollment itself
 * @returns `ok` when every device is enrolled
 * @throws what ends the batch before it begins: no sign-in, no journal, a folder in use
 */
export async function runBatch(
  context: CommandContext,
  profile: Profile,
  options: StationOptions,
  wish: BatchWish = {},
): Promise<ExitCode> {
  const { interrupts } = context;
  const run = new BatchRun(context, profile, options, wish);
  try {
    await run.enroll();
  } catch (thrown) {
    if (!interrupts.signal.aborted) throw thrown;
  } finally {
    await run.close();
  }
  const ended = run.tellEnd();
  return interrupts.exitCode ?? ended;
}

class BatchRun {
  readonly #context: CommandContext;
  readonly #station: Station;
  readonly #events: BatchEvents;
  readonly #board: TerminalBoard | undefined;
  readonly #desk: SecretDesk | undefined;
  readonly #signIn = new SignInWatch();
  readonly #wish: BatchWish;

  constructor(context: CommandContext, profile: Profile, options: StationOptions, wish: BatchWish) {
    const { output, terminal } = context;
    this.#wish = wish;
    this.#context = context;
    const early: StationDelta[] = [];
    let take = (delta: StationDelta): void => void early.push(delta);
    this.#station = createStation({
      ports: openPorts(context, profile, options, 'write'),
      ...{ profile, stationName: hostname(), version },
      publish: (delta) => take(delta),
      publishLog: () => undefined,
    });
    const { state } = this.#station;
    this.#events = new BatchEvents(output, state);
    this.#board = output.isJson
      ? undefined
      : new TerminalBoard(output.stdout, state, { nowMs: () => Date.now() });
    this.#desk = terminal === undefined ? undefined : new SecretDesk(this.#deskOptions());
    take = (delta) => this.#take(delta);
  }

  async enroll(): Promise<void> {
    const { output, interrupts, secrets, terminal } = this.#context;
    const { signal } = interrupts;
    const station = this.#station;
    const driver = {
      resume: () => station.start(),
      begin: () => void station.handle('session.signIn', null),
      cancel: () => void station.handle('session.cancel', null),
    };
    await this.#signIn.require(driver, {
      ...{ output, signal, interactive: terminal !== undefined, isGiven: secrets.token !== undefined },
    });
    const { bench } = station.state;
    const entered = {
      sshPassword: secrets.sshPassword?.value.reveal(),
      sudoPassword: secrets.sudoPassword?.value.reveal(),
      keyPassphrase: secrets.keyPassphrase?.value.reveal(),
    };
    signal.throwIfAborted();
    const { batchId } = await station.handle('batch.start', {
      rowIds: bench.map((row) => row.rowId),
      ...{ ...entered, ...this.#wish },
    });
    const devices = bench.map(({ deviceId, target }) => ({ deviceId, target }));
    output.event('batch-started', { batchId, devices });
    const stop = (): void => void station.handle('batch.stop', null);
    signal.addEventListener('abort', stop, { once: true });
    this.#board?.start();
    try {
      await this.#untilDone();
    } finally {
      signal.removeEventListener('abort', stop);
      this.#board?.stop();
    }
  }

  /** A batch that is done may go on: a device that failed for a password is tried again with it. */
  async #untilDone(): Promise<void> {
    do {
      await this.#station.whenBatchIdle();
      if (this.#context.interrupts.signal.aborted) return;
      await this.#desk?.whenIdle();
    } while (this.#station.state.batch?.state !== 'finished' || this.#desk?.isBusy);
  }

  #take(delta: StationDelta): void {
    const { output } = this.#context;
    if (delta.session !== undefined) this.#signIn.show(delta.session, output);
    this.#events.take(delta);
    this.#board?.take(delta);
    for (const row of Object.values(delta.rows ?? {})) if (row.state === 'failed') this.#desk?.take(row);
  }

  #deskOptions() {
    return {
      ask: (kind: SecretNeeded, rows: readonly EnrollmentRow[]) => this.#ask(kind, rows),
      retry: async (deviceIds: readonly string[], kind: SecretNeeded, answer: Secret) => {
        const input = { deviceIds: [...deviceIds], [secretInputs[kind]]: answer.reveal() };
        await this.#station.handle('batch.retry', input);
      },
    };
  }

  async #ask(kind: SecretNeeded, rows: readonly EnrollmentRow[]): Promise<Secret | undefined> {
    const { terminal, interrupts } = this.#context;
    const [first, ...others] = rows;
    if (terminal === undefined || first === undefined) return undefined;
    this.#board?.pause();
    try {
      const more = others.length === 0 ? '' : ` and ${others.length} more`;
      const what = {
        'ssh-password': 'SSH password',
        'sudo-password': 'sudo password',
        'key-passphrase': 'Passphrase of the SSH key',
      }[kind];
      return await askSecret(terminal, `${what} for ${first.deviceId}${more}: `, interrupts.signal);
    } finally {
      this.#board?.resume();
    }
  }

  /** Says how it ended, and why where it did not. */
  tellEnd(): ExitCode {
    const { output } = this.#context;
    const { state } = this.#station;
    const { total, enrolled } = countRows(state);
    const { awaitedSignIn } = this.#events;
    if (state.batch === undefined) return exitCodes.notAll;
    const rows = rowsInOrder(state);
    const failed = rows.filter((row) => row.state === 'failed');
    const startedAt = state.batch?.startedAt ?? 0;
    const seconds = Math.max(0, (state.batch?.finishedAt ?? startedAt) - startedAt) / 1000;
    if (output.isLive) for (const row of failed) output.note(errorText(row.error as ErrorView, row.deviceId));
    output.event(
      'summary',
      {
        ...{ total, enrolled, failed: failed.length, stopped: total - enrolled - failed.length },
        ...{ awaitedSignIn, seconds },
      },
      `${enrolled} of ${total} enrolled in ${durationText(seconds * 1000)}, ${failed.length} failed${
        awaitedSignIn > 0 ? `, ${awaitedSignIn} had to wait for a sign-in` : ''
      }`,
    );
    return exitCodeOfDevices(rows.filter((row) => row.state !== 'enrolled').map((row) => row.error?.code));
  }

  /** Takes back what was begun and closes the journal. */
  async close(): Promise<void> {
    await this.#station.shutDown();
  }
}

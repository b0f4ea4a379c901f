import { hostname } from 'node:os';
import { createStation, type Station } from '../engine/station.ts';
import type { BatchWish } from '../engine/station-batches.ts';
import { describeThrown, type ErrorView } from '../errors/enrollment-error.ts';
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
import { SecretDesk, secretInputs, secretWords } from './secret-desk.ts';
import { type Prompt, promptLines, SignInWatch } from './sign-in.ts';
import { SignInAgain } from './sign-in-again.ts';
import { maySignInAgain, type SignInPatience } from './sign-in-patience.ts';
import { TerminalBoard } from './terminal-board.ts';
import { TrustedHostKeys } from './trusted-host-keys.ts';
import { version } from './version.ts';

/** How many lines of the board stay above a code. */
const BOARD_LINES_ABOVE_CODE = 6;

export interface BatchOptions extends StationOptions, SignInPatience {
  /** Fingerprints of host keys that are accepted in place of the known ones. */
  readonly trustedHostKeys?: readonly string[];
}

/**
 * Enrolls the devices of the profile's bench, all of them, and shows how it goes.
 * @param wish what is asked for beside the enrollment itself
 * @returns `ok` when every device is enrolled
 * @throws what ends the batch before it begins: no sign-in, no journal, a folder in use
 */
export async function runBatch(
  context: CommandContext,
  profile: Profile,
  options: BatchOptions,
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
  readonly #again: SignInAgain;
  readonly #hostKeys: TrustedHostKeys;
  readonly #wish: BatchWish;

  constructor(context: CommandContext, profile: Profile, options: BatchOptions, wish: BatchWish) {
    const { output, terminal, secrets } = context;
    const { signInPatienceMs, trustedHostKeys = [] } = options;
    this.#hostKeys = new TrustedHostKeys(trustedHostKeys);
    this.#wish = wish;
    this.#context = context;
    const early: StationDelta[] = [];
    let take = (delta: StationDelta): void => void early.push(delta);
    this.#station = createStation({
      ports: openPorts(context, profile, options, 'write'),
      ...{ profile, stationName: hostname(), version },
      isAttended: maySignInAgain(secrets, options),
      ...(signInPatienceMs === undefined ? {} : { signInPatienceMs }),
      publish: (delta) => take(delta),
      publishLog: () => undefined,
    });
    const { state } = this.#station;
    this.#events = new BatchEvents(output, state, (text) => this.#note(text));
    this.#board = output.isJson
      ? undefined
      : new TerminalBoard(output.stdout, state, { nowMs: () => Date.now() });
    this.#desk = terminal === undefined ? undefined : new SecretDesk(this.#deskOptions());
    this.#again = new SignInAgain({
      begin: () => void this.#station.handle('session.signIn', null),
      cancel: () => void this.#station.handle('session.cancel', null),
      giveUp: () => this.#station.giveUpSignIn(),
    });
    take = (delta) => this.#take(delta);
  }

  async enroll(): Promise<void> {
    const { output, interrupts, secrets, terminal } = this.#context;
    const { signal } = interrupts;
    const station = this.#station;
    const driver = {
      resume: () => station.start(),
      begin: () => void station.handle('session.signIn', null),
      goOnHere: () => void station.handle('session.signInHere', null),
      cancel: () => void station.handle('session.cancel', null),
    };
    await this.#signIn.require(driver, {
      ...{ output, signal, terminal, isGiven: secrets.token !== undefined },
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
    if (delta.session !== undefined) {
      this.#signIn.show(delta.session, output, (prompt) => this.#showPrompt(prompt));
      if (delta.session.state !== 'awaiting-approval') this.#board?.showBelow([]);
    }
    this.#events.take(delta);
    this.#board?.take(delta);
    const { session, rows } = this.#station.state;
    this.#again.take(
      session,
      Object.values(rows).some((row) => row.state === 'awaiting-sign-in'),
    );
    for (const row of Object.values(delta.rows ?? {})) if (row.state === 'failed') this.#takeFailed(row);
  }

  #takeFailed(row: EnrollmentRow): void {
    this.#desk?.take(row);
    const changed = this.#hostKeys.take(row);
    if (changed === undefined) return;
    const { deviceId } = row;
    const { place, expected, actual } = changed;
    // Whoever told the change is done with it first.
    queueMicrotask(() => {
      this.#context.output.event('host-key-trusted', { deviceId, place, expected, actual });
      if (!this.#context.output.isJson)
        this.#note(`${deviceId}: the host key of ${place} was ${expected} and is ${actual}, as was expected`);
      void this.#trust(deviceId, actual);
    });
  }

  /** A batch that is being stopped takes nothing up again. */
  async #trust(deviceId: string, fingerprint: string): Promise<void> {
    try {
      await this.#station.handle('device.trustNewHostKey', { deviceId, fingerprint });
    } catch (thrown) {
      if (!this.#context.interrupts.signal.aborted) this.#note(describeThrown(thrown));
    }
  }

  /** Below the board while that is drawn in place, else as notes. */
  #showPrompt(prompt: Prompt): void {
    const { output } = this.#context;
    const columns = output.stdout.columns || 100;
    const rows = output.stdout.rows || 40;
    const isBelow = output.isLive && this.#station.state.batch !== undefined;
    const lines = promptLines(prompt, {
      ...{ columns, lines: isBelow ? rows - BOARD_LINES_ABOVE_CODE : Number.POSITIVE_INFINITY },
    });
    if (isBelow) this.#board?.showBelow(['', ...lines]);
    else for (const line of lines) output.note(line);
  }

  #note(text: string): void {
    const { output } = this.#context;
    if (output.isLive && this.#board !== undefined) this.#board.tell(text);
    else output.note(text);
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
      return await askSecret(
        terminal,
        `${secretWords[kind]} for ${first.deviceId}${more}: `,
        interrupts.signal,
      );
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
    this.#again.close();
    await this.#station.shutDown();
  }
}

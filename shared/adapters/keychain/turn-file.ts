import { randomUUID } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { systemClock } from '../system/clock.ts';

/** One turn at a time among all processes of this account that name the same file. */
export interface Turns {
  /**
   * @param onWaiting called once, when another process has its turn
   * @throws STATION_KEYCHAIN_UNAVAILABLE when no turn could be had, the signal's reason, or what `work` throws
   */
  run<T>(work: () => Promise<T>, signal: AbortSignal, onWaiting?: () => void): Promise<T>;
}

export interface TurnFileOptions {
  readonly path: string;
  readonly clock?: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** An owner that is alive and keeps its turn longer than this, without a sign of life, has lost it. */
  readonly longestTurnMs?: number;
  readonly longestWaitMs?: number;
  readonly lookAgainAfterMs?: number;
  /** The owner shows a sign of life so often, for turns that last as long as a person takes. None when not said. */
  readonly signOfLifeMs?: number;
}

/** Turns to ask a person: as long as their owner lives, and waited for as long as it takes. */
export const personsTurn = {
  longestTurnMs: 20_000,
  longestWaitMs: Number.POSITIVE_INFINITY,
  lookAgainAfterMs: 250,
  signOfLifeMs: 2_000,
} as const;

const owner = z.object({ turn: z.string(), pid: z.number().int(), host: z.string() });
type Owner = z.infer<typeof owner>;

/** Above the session's own limits for keychain and renewal together: an owner that is at work still has its turn. */
const LONGEST_TURN_MS = 60_000;
const LONGEST_WAIT_MS = 120_000;
const LOOK_AGAIN_AFTER_MS = 50;
/** Breaking takes microseconds; a mark this old was left by a process that was killed in between. */
const BREAK_MARK_LIFE_MS = 10_000;

const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown } | null)?.code;

function unavailable(problem: string, cause?: unknown): EnrollmentError {
  return new EnrollmentError('STATION_KEYCHAIN_UNAVAILABLE', {
    details: { problem },
    evidence: problem,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Makes a file that was not there, with this text. False when somebody has made it already. */
function createNew(file: string, text: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false;
    throw thrown;
  }
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
  return true;
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw thrown;
  }
}

/** Text of the file, undefined when there is none. Half-written text is text of its own. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Changes with every sign of life. It is compared with itself only: clocks of computers differ, and jump. */
function touchedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function ownerOf(text: string): Owner | undefined {
  try {
    return owner.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Only a process of this computer can be known to be gone. */
function isGone({ pid, host }: Owner): boolean {
  if (host !== os.hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (thrown) {
    return codeOf(thrown) === 'ESRCH';
  }
}

/**
 * Turns by a file that exists while somebody has one. It names its owner, so that one who died is passed over at
 * once. How long a living owner has its turn is measured by the one who waits, never by the clock of the computer.
 */
export function createTurnFile(options: TurnFileOptions): Turns {
  const { path: file, clock = systemClock } = options;
  const { longestTurnMs = LONGEST_TURN_MS, longestWaitMs = LONGEST_WAIT_MS } = options;
  const { lookAgainAfterMs = LOOK_AGAIN_AFTER_MS, signOfLifeMs } = options;

  /** Removes the file if it is still the one that was judged; only one process at a time is here. */
  function breakTurn(judged: string): void {
    const mark = `${file}.break`;
    if (!createNew(mark, '')) {
      const age = Date.now() - (statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (Math.abs(age) > BREAK_MARK_LIFE_MS) removeIfThere(mark);
      return;
    }
    try {
      if (textOf(file) === judged) removeIfThere(file);
    } finally {
      removeIfThere(mark);
    }
  }

  async function take(signal: AbortSignal, onWaiting?: () => void): Promise<string> {
    const mine: Owner = { turn: randomUUID(), pid: process.pid, host: os.hostname() };
    const text = JSON.stringify(mine);
    const begin = clock.monotonicMs();
    let seen: { readonly text: string; readonly touched: number; readonly since: number } | undefined;
    let isTold = false;
    while (!createNew(file, text)) {
      signal.throwIfAborted();
      const now = clock.monotonicMs();
      const current = textOf(file);
      if (current === undefined) {
        // Let go just now; or a name that leads nowhere, which stays.
        if (now - begin > longestWaitMs) throw unavailable(`${file} is in the way and cannot be read.`);
        await clock.sleep(lookAgainAfterMs, signal);
        continue;
      }
      const touched = signOfLifeMs === undefined ? 0 : touchedAt(file);
      if (seen?.text !== current || seen.touched !== touched) seen = { text: current, touched, since: now };
      const other = ownerOf(current);
      if ((other !== undefined && isGone(other)) || now - seen.since > longestTurnMs) {
        breakTurn(current);
        if (textOf(file) !== current) continue;
      }
      if (now - begin > longestWaitMs) {
        const who = other === undefined ? 'another Muster' : `another Muster (process ${other.pid})`;
        throw unavailable(`${who} does not let go of the sign-in.`);
      }
      if (!isTold) onWaiting?.();
      isTold = true;
      await clock.sleep(lookAgainAfterMs, signal);
    }
    return text;
  }

  /** Touches the file until the signal is aborted, or the turn is another's. */
  async function showLife(mine: string, everyMs: number, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await clock.sleep(everyMs, signal);
        if (textOf(file) !== mine) return;
        const now = Date.now() / 1000;
        utimesSync(file, now, now);
      }
    } catch (thrown) {
      // What cannot be touched any more is passed over by those who wait; the work itself goes on.
      if (signal.aborted || codeOf(thrown) !== undefined) return;
      throw thrown;
    }
  }

  return {
    async run(work, signal, onWaiting) {
      let mine: string;
      try {
        mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
        mine = await take(signal, onWaiting);
      } catch (thrown) {
        if (signal.aborted || thrown instanceof EnrollmentError) throw thrown;
        throw unavailable(`${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown);
      }
      const over = new AbortController();
      if (signOfLifeMs !== undefined) void showLife(mine, signOfLifeMs, over.signal);
      try {
        return await work();
      } finally {
        over.abort();
        // Whoever lost its turn must not end the next one's.
        if (textOf(file) === mine) removeIfThere(file);
      }
    },
  };
}

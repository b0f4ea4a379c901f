import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { systemClock } from '../system/clock.ts';

/** One turn at a time among all processes of this account that name the same file. */
export interface Turns {
  /** @throws STATION_KEYCHAIN_UNAVAILABLE when no turn could be had, the signal's reason, or what `work` throws */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export interface TurnFileOptions {
  readonly path: string;
  readonly clock?: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** An owner that is alive and keeps its turn longer than this has lost it. */
  readonly longestTurnMs?: number;
  readonly longestWaitMs?: number;
}

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

  async function take(signal: AbortSignal): Promise<string> {
    const mine: Owner = { turn: randomUUID(), pid: process.pid, host: os.hostname() };
    const text = JSON.stringify(mine);
    const begin = clock.monotonicMs();
    let seen: { readonly text: string; readonly since: number } | undefined;
    while (!createNew(file, text)) {
      signal.throwIfAborted();
      const now = clock.monotonicMs();
      const current = textOf(file);
      if (current === undefined) continue;
      if (seen?.text !== current) seen = { text: current, since: now };
      const other = ownerOf(current);
      if ((other !== undefined && isGone(other)) || now - seen.since > longestTurnMs) {
        breakTurn(current);
        if (textOf(file) !== current) continue;
      }
      if (now - begin > longestWaitMs) {
        const who = other === undefined ? 'another Muster' : `another Muster (process ${other.pid})`;
        throw unavailable(`${who} does not let go of the sign-in.`);
      }
      await clock.sleep(LOOK_AGAIN_AFTER_MS, signal);
    }
    return text;
  }

  return {
    async run(work, signal) {
      let mine: string;
      try {
        mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
        mine = await take(signal);
      } catch (thrown) {
        if (signal.aborted || thrown instanceof EnrollmentError) throw thrown;
        throw unavailable(`${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown);
      }
      try {
        return await work();
      } finally {
        // Whoever lost its turn must not end the next one's.
        if (textOf(file) === mine) removeIfThere(file);
      }
    },
  };
}

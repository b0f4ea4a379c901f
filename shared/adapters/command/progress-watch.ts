import type { Clock } from '../../engine/ports.ts';
import { durationText } from '../../model/duration-text.ts';

/** What a command has moved so far. Only ever grows. */
export interface Moved {
  /** Bytes of its input that the far side has taken. */
  readonly takenBytes: number;
  readonly printedBytes: number;
}

/** Why a command is ended by its limits. */
export interface OverLimit {
  /** The rest of a sentence that begins with the command's name. */
  readonly problem: string;
  /** For the evidence: how long it ran, how long nothing moved, and what had moved. */
  readonly evidence: string;
}

export interface ProgressWatchOptions {
  readonly clock: Clock;
  /** Of the whole. */
  readonly limitMs: number;
  /** Of a stretch in which nothing moves; undefined: only the whole counts. */
  readonly quietLimitMs: number | undefined;
  moved(): Moved;
  onOver(over: OverLimit): void;
}

/** Nothing tells when a byte was taken, so it is looked at; a stretch is found to be over this part of it too late at most. */
const LOOKS_IN_A_STRETCH = 10;

/**
 * Ends a command in which nothing moves any more, and one that takes too long as a whole. How long is right for what moves
 * hangs on the link, which others share.
 * @returns call it when the command has ended
 */
export function watchProgress({
  clock,
  limitMs,
  quietLimitMs,
  moved,
  onOver,
}: ProgressWatchOptions): () => void {
  const startedAt = clock.monotonicMs();
  let last: Moved = { takenBytes: 0, printedBytes: 0 };
  let lastMovedAt = startedAt;
  let cancelLook: () => void = () => undefined;

  const look = (): void => {
    const now = moved();
    if (now.takenBytes === last.takenBytes && now.printedBytes === last.printedBytes) return;
    last = now;
    lastMovedAt = clock.monotonicMs();
  };
  const end = (problem: string): void => {
    cancel();
    const nowMs = clock.monotonicMs();
    const still = `nothing had moved for ${durationText(nowMs - lastMovedAt)}`;
    const bytes = `The device had taken ${last.takenBytes} bytes and printed ${last.printedBytes}.`;
    onOver({ problem, evidence: `Ended after ${durationText(nowMs - startedAt)}; ${still}. ${bytes}` });
  };
  const lookAgain = (quietMs: number): void => {
    cancelLook = clock.after(quietMs / LOOKS_IN_A_STRETCH, () => {
      look();
      if (clock.monotonicMs() - lastMovedAt >= quietMs) end(`has not moved for ${durationText(quietMs)}`);
      else lookAgain(quietMs);
    });
  };

  const cancelWhole = clock.after(limitMs, () => {
    look();
    end(`did not finish within ${durationText(limitMs)}`);
  });
  const cancel = (): void => {
    cancelWhole();
    cancelLook();
  };
  if (quietLimitMs !== undefined) lookAgain(quietLimitMs);
  return cancel;
}

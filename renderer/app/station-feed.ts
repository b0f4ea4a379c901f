import type { Payload, Result } from '#shared/contract/ipc.ts';
import { applyDelta, deltaFit } from '#shared/model/apply-delta.ts';
import type { StationState } from '#shared/model/station-state.ts';
import type { ShownError } from './failures.ts';

type Delta = Payload<'station.delta'>;

/** What the feed needs from outside. */
export interface FeedParts {
  readonly snapshot: () => Promise<Result<StationState>>;
  readonly onDelta: (listener: (delta: Delta) => void) => () => void;
  /** Runs `paint` once before the next frame. */
  readonly nextFrame: (paint: () => void) => void;
  readonly show: (state: StationState) => void;
  readonly fail: (error: ShownError) => void;
}

/**
 * Keeps the shown state equal to the engine's: one snapshot, then deltas, applied together once per frame.
 * A delta that does not fit (a revision was missed, or the engine is a new one) leads to a new snapshot.
 * Gives the function that stops it.
 */
export function feedStation(parts: FeedParts): () => void {
  let state: StationState | undefined;
  let waiting: Delta[] = [];
  let frameIsDue = false;
  let asking = false;
  let stopped = false;

  async function takeSnapshot(): Promise<void> {
    if (asking) return;
    asking = true;
    const answer = await parts.snapshot();
    asking = false;
    if (stopped) return;
    if (!answer.ok) {
      parts.fail(answer.error);
      return;
    }
    state = answer.value;
    parts.show(state);
    if (waiting.length > 0) planFrame();
  }

  function planFrame(): void {
    if (frameIsDue) return;
    frameIsDue = true;
    parts.nextFrame(applyWaiting);
  }

  function applyWaiting(): void {
    frameIsDue = false;
    if (stopped || asking) return;
    if (state === undefined) {
      // The first snapshot failed; a sign of life is the moment to ask again.
      waiting = [];
      void takeSnapshot();
      return;
    }
    const deltas = waiting;
    waiting = [];
    let next = state;
    for (const delta of deltas) {
      const fit = deltaFit(next, delta);
      if (fit === 'gap') {
        void takeSnapshot();
        break;
      }
      if (fit === 'next') next = applyDelta(next, delta);
    }
    if (next === state) return;
    state = next;
    parts.show(next);
  }

  const unsubscribe = parts.onDelta((delta) => {
    waiting.push(delta);
    planFrame();
  });
  void takeSnapshot();
  return () => {
    stopped = true;
    unsubscribe();
  };
}

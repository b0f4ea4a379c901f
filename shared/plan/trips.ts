import type { Fragment } from '../device/fragment.ts';
import type { StepId } from '../model/enrollment.ts';
import type { PlannedStep } from './plan-enrollment.ts';

/** A place in a trip: a fragment, or the spot where the minted key is received. */
export type TripPart =
  | { readonly kind: 'fragment'; readonly fragment: Fragment }
  | { readonly kind: 'receive-key' };

export interface TripSegment {
  readonly step: StepId;
  readonly parts: readonly TripPart[];
  /** The step goes on after this trip. */
  readonly goesOn?: boolean;
}

interface OpenSegment {
  readonly step: StepId;
  readonly parts: TripPart[];
  readonly goesOn?: boolean;
}

/** One thing the engine does next. `commands` and `upload` are one exchange with the device each. */
export type Trip =
  | { readonly kind: 'commands'; readonly segments: readonly TripSegment[] }
  | { readonly kind: 'upload'; readonly step: StepId }
  | { readonly kind: 'mint-key'; readonly step: StepId }
  /** One exchange, if the device made its key itself. */
  | { readonly kind: 'prove-key'; readonly step: StepId }
  | { readonly kind: 'wait-for-heartbeat'; readonly step: StepId };

/**
 * Groups a plan's actions into exchanges with the device. Neighbouring commands travel together, over step
 * borders too: the step is the unit of meaning, not of the network.
 */
export function groupIntoTrips(plan: readonly PlannedStep[]): readonly Trip[] {
  const trips: Trip[] = [];
  let segments: OpenSegment[] = [];
  let last: OpenSegment[] = [];
  const close = (): void => {
    if (segments.length > 0) {
      trips.push({ kind: 'commands', segments });
      last = segments;
    }
    segments = [];
  };
  /** Nothing waits for a key pair, so that it rides on whatever goes to the device before. */
  const addEarly = (step: StepId, parts: readonly TripPart[]): void => {
    const host = segments.at(-1) ?? last.at(-1);
    if (host === undefined) segments.push({ step, parts: [...parts], goesOn: true });
    else host.parts.push(...parts);
  };
  const add = (step: StepId, part: TripPart): void => {
    const last = segments.at(-1);
    if (last?.step === step) last.parts.push(part);
    else segments.push({ step, parts: [part] });
  };
  for (const step of plan) {
    if (step.kind !== 'pending') continue;
    for (const action of step.actions) {
      if (action.kind === 'run') add(step.id, { kind: 'fragment', fragment: action.fragment });
      else if (action.kind === 'make-key')
        addEarly(
          step.id,
          action.fragments.map((fragment) => ({ kind: 'fragment', fragment })),
        );
      else if (action.kind === 'deliver-key') add(step.id, { kind: 'receive-key' });
      else {
        close();
        trips.push({ kind: action.kind, step: step.id });
      }
    }
  }
  close();
  return trips;
}

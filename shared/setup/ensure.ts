import type { Clock } from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { SetUpState } from './report.ts';

/** Searches lag behind writes: after "exists already" it is looked again this often before that is believed. */
const LOOKS_AFTER_CONFLICT = 8;
const FIRST_WAIT_MS = 100;

/** How one thing is found, made and put right. */
export interface Wanted<Found, Made extends object> {
  /** `the project warehouse` */
  readonly what: string;
  find(): Promise<Found | undefined>;
  create(): Promise<Made | 'exists'>;
  /** What has to be put right, in words. @throws where it cannot be */
  drift?(found: Found): readonly string[];
  change?(found: Found): Promise<void>;
}

export type Ensured<Found, Made> =
  | { readonly state: 'created'; readonly made: Made }
  | {
      readonly state: Exclude<SetUpState, 'created' | 'would-create'>;
      readonly found: Found;
      readonly drift: readonly string[];
    }
  | { readonly state: 'would-create' };

/**
 * Finds a thing or makes it, and puts right what differs. Where making it says that it is there, somebody else was
 * faster or the search lags: it is looked for again.
 * @throws IDENTITY_SETUP_CONFLICT where it exists and is never found
 */
export async function ensure<Found, Made extends object>(
  wanted: Wanted<Found, Made>,
  options: { readonly preview: boolean; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Ensured<Found, Made>> {
  let found = await wanted.find();
  if (found === undefined) {
    if (options.preview) return { state: 'would-create' };
    const made = await wanted.create();
    if (made !== 'exists') return { state: 'created', made };
    found = await lookAgain(() => wanted.find(), options);
    if (found === undefined) {
      throw new EnrollmentError('IDENTITY_SETUP_CONFLICT', {
        details: { what: wanted.what, problem: 'it exists, but this token does not see it' },
      });
    }
  }
  const drift = wanted.drift?.(found) ?? [];
  if (drift.length === 0) return { state: 'already', found, drift };
  if (options.preview) return { state: 'would-change', found, drift };
  await wanted.change?.(found);
  return { state: 'changed', found, drift };
}

async function lookAgain<T>(
  look: () => Promise<T | undefined>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T | undefined> {
  for (let number = 0; number < LOOKS_AFTER_CONFLICT; number += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await clock.sleep(FIRST_WAIT_MS * 2 ** Math.min(number, 4), signal);
  }
  return look();
}

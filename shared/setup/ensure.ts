import type { Clock } from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { lookAgain } from './look-again.ts';
import type { SetUpState } from './report.ts';

/** How one thing is found, made and put right. */
export interface Wanted<Found, Made extends object> {
  /** `the project warehouse` */
  readonly what: string;
  /** A file that is here names it: before it counts as missing it is looked for again. */
  readonly isExpected?: boolean;
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
  let found = await (wanted.isExpected === true ? lookAgain(() => wanted.find(), options) : wanted.find());
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

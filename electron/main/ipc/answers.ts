import { EnrollmentError, toErrorView } from '#shared/errors/enrollment-error.ts';

/** JSON of a successful answer. */
export function valueAnswer(value: unknown): string {
  return JSON.stringify({ ok: true, value });
}

/** JSON of a failed answer; anything that is not one of the typed errors becomes STATION_BUG. */
export function errorAnswer(thrown: unknown): string {
  return JSON.stringify({ ok: false, error: toErrorView(thrown) });
}

/** The refusal of a request that has not the agreed shape, or comes from where none may come from. */
export function requestInvalid(problem: string): EnrollmentError {
  return new EnrollmentError('STATION_REQUEST_INVALID', { details: { problem } });
}

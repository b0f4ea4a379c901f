import { describeThrown, EnrollmentError } from '../../errors/enrollment-error.ts';

/** Runs work on a journal's file; what goes wrong there becomes STATION_JOURNAL_FAILED with the path. */
export function guardFor(path: string): <T>(work: () => T) => T {
  return (work) => {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof EnrollmentError) throw cause;
      throw new EnrollmentError('STATION_JOURNAL_FAILED', {
        details: { path },
        subject: path,
        evidence: describeThrown(cause),
        cause,
      });
    }
  };
}

import { EnrollmentError, toErrorView } from '#shared/errors/enrollment-error.ts';
import type { StepId } from '#shared/model/enrollment.ts';
import type { EnrollmentErrorCode } from '#shared/model/error-codes.ts';

/** An error as the engine sends it, made by the real texts. */
export function errorOf(
  code: EnrollmentErrorCode,
  details: Readonly<Record<string, string | number>> = {},
  stepId?: StepId,
) {
  const options = stepId === undefined ? { details } : { details, stepId };
  return toErrorView(
    new EnrollmentError(code, { ...options, evidence: 'exit status 1\nwhat the device printed' }),
  );
}

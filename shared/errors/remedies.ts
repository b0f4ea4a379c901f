import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import { deviceRemedies } from './device-remedies.ts';
import type { Remedy } from './remedy.ts';
import { serviceRemedies } from './service-remedies.ts';
import { stationRemedies } from './station-remedies.ts';

/** One remedy per code; a code without one does not compile. */
export const remedies = {
  ...deviceRemedies,
  ...serviceRemedies,
  ...stationRemedies,
} as const satisfies Record<EnrollmentErrorCode, Remedy>;

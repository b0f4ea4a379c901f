import { EnrollmentError } from '../errors/enrollment-error.ts';
import { type StepId, stepTitles } from '../model/enrollment.ts';
import { EXIT_DATA_DIFFERS } from './commands.ts';
import { EXIT_DEVICE_BUSY, EXIT_EPOCH_CHANGED, holderIn } from './fence.ts';
import { requiredPackages } from './paths.ts';

/**
 * What a failed command means, by its exit status and what it printed. This is the one place that reads the
 * words of device tools (all run with LC_ALL=C).
 */
export function commandFailure(stepId: StepId, exitStatus: number, output: string): EnrollmentError {
  const evidence = `exit status ${exitStatus}\n${output.trim()}`;
  const place = { phase: 'apply', stepId, evidence } as const;
  if (exitStatus === EXIT_DEVICE_BUSY) {
    const details = { holder: holderIn(output)?.station ?? 'somebody who left no name' };
    return new EnrollmentError('DEVICE_BUSY', { ...place, details });
  }
  if (exitStatus === EXIT_EPOCH_CHANGED) return new EnrollmentError('DEVICE_ENROLLED_ELSEWHERE', place);
  if (/No space left on device|ENOSPC|write error: .*space|You don't have enough free space/i.test(output)) {
    // A write that failed tells no numbers, and the part of the disk that is full may not be the one looked at.
    const details = { free: 'Too few bytes', needed: 'more' };
    return new EnrollmentError('DEVICE_DISK_FULL', { ...place, details });
  }
  // Only apt's errors: that it waits for a lock it then gets is no failure.
  if (/^E: (Could not get lock|.*is another process using it)/m.test(output)) {
    return new EnrollmentError('DEVICE_APT_LOCKED', { ...place, details: { waited: '5:00' } });
  }
  if (stepId === 'packages') {
    return new EnrollmentError('DEVICE_APT_FAILED', {
      ...place,
      details: { packages: requiredPackages.join(', ') },
    });
  }
  if (exitStatus === EXIT_DATA_DIFFERS) {
    return new EnrollmentError('DEVICE_CONNECTION_LOST', { ...place, details: { address: 'the device' } });
  }
  return new EnrollmentError('DEVICE_COMMAND_FAILED', {
    ...place,
    details: { step: stepTitles[stepId], exitStatus },
  });
}

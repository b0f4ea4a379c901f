import { EnrollmentError } from '../errors/enrollment-error.ts';
import { durationText } from '../model/duration-text.ts';
import { type StepId, stepTitles } from '../model/enrollment.ts';
import { EXIT_APT_LOCKED, EXIT_DATA_DIFFERS, EXIT_OBSTRUCTED, EXIT_STILL_STARTING } from './exit-status.ts';
import { EXIT_DEVICE_BUSY, EXIT_EPOCH_CHANGED, holderIn } from './fence.ts';
import { aptLockLimitSeconds, firstBootLimitSeconds, requiredPackages, writtenPlaces } from './paths.ts';

/**
 * What a failed command means, by its exit status and what it printed. This is the one place that reads the
 * words of device tools (all run with LC_ALL=C).
 */
export function commandFailure(stepId: StepId, exitStatus: number, output: string): EnrollmentError {
  const evidence = `exit status ${exitStatus}\n${output.trim()}`;
  const place = { phase: 'apply', stepId, evidence } as const;
  const fail = (
    code: EnrollmentError['code'],
    details: Readonly<Record<string, string | number>> = {},
  ): EnrollmentError => new EnrollmentError(code, { ...place, details });

  if (exitStatus === EXIT_DEVICE_BUSY)
    return fail('DEVICE_BUSY', { holder: holderIn(output)?.station ?? 'somebody who left no name' });
  if (exitStatus === EXIT_EPOCH_CHANGED) return fail('DEVICE_ENROLLED_ELSEWHERE');
  if (exitStatus === EXIT_DATA_DIFFERS) return fail('DEVICE_CONNECTION_LOST', { address: 'the device' });
  if (exitStatus === EXIT_OBSTRUCTED) {
    const [, path, problem] = /^obstructed: (\S+) (.*)$/m.exec(output) ?? [];
    return fail('DEVICE_OBSTRUCTED', {
      path: path ?? 'A file',
      problem: problem ?? 'is not what it should be',
    });
  }
  if (exitStatus === EXIT_STILL_STARTING) {
    const problem = `did not finish within ${durationText(firstBootLimitSeconds * 1000)}`;
    return fail('DEVICE_TIMEOUT', { step: 'The first start of the device (cloud-init)', problem });
  }
  if (/Read-only file system|EROFS/.test(output))
    return fail('DEVICE_READ_ONLY', { place: placeOf(stepId, output) });
  if (/No space left on device|ENOSPC|write error: .*space|You don't have enough free space/i.test(output)) {
    // A write that failed tells no numbers.
    return fail('DEVICE_DISK_FULL', {
      free: 'Too few bytes',
      needed: 'more',
      place: placeOf(stepId, output),
    });
  }
  if (stepId === 'packages') return packagesFailure(exitStatus, output, fail);
  return fail('DEVICE_COMMAND_FAILED', { step: stepTitles[stepId], exitStatus });
}

function packagesFailure(
  exitStatus: number,
  output: string,
  fail: (code: EnrollmentError['code'], details: Readonly<Record<string, string>>) => EnrollmentError,
): EnrollmentError {
  if (exitStatus === EXIT_APT_LOCKED) {
    const [, seconds, holder] = /^apt-lock: waited (\d{1,6}) s, held by (.*)$/m.exec(output) ?? [];
    return fail('DEVICE_APT_LOCKED', {
      waited: durationText(Number(seconds ?? aptLockLimitSeconds) * 1000),
      holder: holder ?? 'another process',
    });
  }
  const tooEarly = /^E: Release file for .* is not valid yet \(invalid for another ([^)]*)\)/m.exec(output);
  if (tooEarly) return fail('DEVICE_CLOCK_OFF', { offset: `at least ${tooEarly[1]}` });
  return fail('DEVICE_APT_FAILED', {
    packages: requiredPackages.join(', '),
    words: aptWords(output) ?? `apt-get ended with exit status ${exitStatus}`,
  });
}

/** The line of apt's that tells why: what it could not fetch explains what it could not find. */
function aptWords(output: string): string | undefined {
  const lines = output.split('\n').map((line) => line.trim());
  const telling = [/^[WE]: Failed to fetch /, /^dpkg: error /, /^[WE]: (?:The repository|GPG error)/, /^E: /];
  for (const pattern of telling) {
    const line = lines.find((text) => pattern.test(text));
    if (line !== undefined) return line.replace(/^[WE]: /, '').replace(/\.$/, '');
  }
  return undefined;
}

/** The place a failed write was about. */
function placeOf(stepId: StepId, output: string): string {
  const inApt = /You don't have enough free space in (\S+?)\.?$/m.exec(output)?.[1];
  if (inApt !== undefined) return inApt;
  if (stepId === 'packages') return writtenPlaces.programs;
  return stepId === 'binary' ? writtenPlaces.binary : writtenPlaces.config;
}

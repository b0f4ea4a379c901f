import { describe, expect, it } from 'vitest';
import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import { stepIds, waitingStep } from '../model/enrollment.ts';
import type { EnrollmentRow } from '../model/station-state.ts';
import { readFingerprints, TrustedHostKeys } from './trusted-host-keys.ts';

const [known, shown, other] = ['A', 'B', 'C'].map((letter) => `SHA256:${letter.repeat(43)}`) as [
  string,
  string,
  string,
];
const place = '10.0.0.7';

function refused(actual: string, code: 'DEVICE_HOST_KEY_CHANGED' | 'DEVICE_HOST_KEY_UNKNOWN'): EnrollmentRow {
  const details = { address: place, place, expected: known, actual };
  return {
    ...{ deviceId: 'a', position: 1, target: 't', address: 'a', state: 'failed', attempt: 1, roundTrips: 0 },
    steps: stepIds.map(waitingStep),
    error: toErrorView(new EnrollmentError(code, { details })),
  } as EnrollmentRow;
}

describe('host keys that are expected to have changed', () => {
  it('are those whose fingerprint was named, each once', () => {
    const keys = new TrustedHostKeys([shown]);
    expect(keys.take(refused(other, 'DEVICE_HOST_KEY_CHANGED'))).toBeUndefined();
    expect(keys.take(refused(known, 'DEVICE_HOST_KEY_CHANGED'))).toBeUndefined();
    expect(keys.take(refused(shown, 'DEVICE_HOST_KEY_CHANGED'))).toMatchObject({ place, actual: shown });
    expect(keys.take(refused(shown, 'DEVICE_HOST_KEY_CHANGED'))).toBeUndefined();
  });

  it('are no keys that were never known', () => {
    expect(new TrustedHostKeys([shown]).take(refused(shown, 'DEVICE_HOST_KEY_UNKNOWN'))).toBeUndefined();
  });

  it.each(['', 'yes', 'SHA256:short', `MD5:${'0'.repeat(43)}`, `${shown} `, `${shown}=`])(
    'cannot be named by %j',
    (text) => {
      expect(() => readFingerprints([shown, text])).toThrow('--trust-host-key');
    },
  );
});

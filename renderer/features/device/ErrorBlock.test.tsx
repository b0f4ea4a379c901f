import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { stepIds } from '#shared/model/enrollment.ts';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { ErrorBlock } from './ErrorBlock.tsx';

it('promises a retry, not where it begins: the device is looked at anew', () => {
  const error: NonNullable<EnrollmentRow['error']> = {
    ...{ code: 'DEVICE_DISK_FULL', title: 'Disk full', says: 'The disk is full.', cause: 'Many files.' },
    ...{ operatorDoes: 'Make room.', retry: 'after-fix', stepId: 'key-config' },
  };
  const row: EnrollmentRow = {
    ...{ deviceId: 'a', position: 1, target: 't', address: 'a', state: 'failed', attempt: 1, roundTrips: 0 },
    ...{ steps: stepIds.map((id) => ({ id, state: 'waiting' })), error },
  };
  const text = renderToStaticMarkup(<ErrorBlock row={row} error={error} />).replace(/<[^>]*>/g, '|');
  expect(text).toMatch(/\|Retry\|/);
  expect(text).not.toContain('Retry from');
});

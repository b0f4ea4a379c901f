import { expect, it } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { DeviceLog } from './device-log.ts';
import { EnrollmentRecord } from './enrollment-record.ts';
import { SignInWaits } from './sign-in-waits.ts';

it('also says it of a device that comes to the provider while a sign-in is awaited already', async () => {
  const clock = new FakeClock();
  const log = new DeviceLog(clock, () => undefined);
  const place = { deviceId: 'a', position: 1, target: 't', address: 'a' };
  const record = new EnrollmentRecord({ clock, log, publish: () => undefined }, place);
  record.start();
  const waits = new SignInWaits();
  waits.setAwaited(true);
  expect(record.row.state).toBe('running');
  let fail: (reason: Error) => void = () => undefined;
  const pending = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const tokens = waits.tokensFor(record, { accessToken: () => pending });
  const asked = tokens.accessToken(new AbortController().signal);
  expect(record.row.state).toBe('awaiting-sign-in');
  fail(new Error('nobody'));
  await expect(asked).rejects.toThrow('nobody');
  expect(record.row.state).toBe('running');
});

import { describe, expect, it } from 'vitest';
import { stepIds } from '#shared/model/enrollment.ts';
import type { EnrollmentRow, MachineKeyView } from '#shared/model/station-state.ts';
import { keyOfDevice, keyWords } from './key-words.ts';

const DAY = 86_400_000;
const now = new Date(2026, 10, 21, 13, 56).getTime();
const key = (part: Partial<MachineKeyView> = {}): MachineKeyView => ({
  ...{ standing: 'registered', keyId: '371', others: 0, askedAt: now, ...part },
});

describe('what is said of a key', () => {
  it.each([
    ['calm', 'in 89 days', key({ expiresAt: now + 89 * DAY, renewFrom: now + 59 * DAY })],
    ['near', 'in 12 days', key({ expiresAt: now + 12 * DAY, renewFrom: now - 18 * DAY })],
    // A key of a week is not near its end on its first day.
    ['calm', 'in 6 days', key({ expiresAt: now + 6 * DAY, renewFrom: now + 4 * DAY })],
    ['near', 'in 12 days', key({ expiresAt: now + 12 * DAY })],
    ['past', '3 days ago', key({ expiresAt: now - 3 * DAY })],
    ['past', 'under an hour ago', key({ expiresAt: now })],
    ['calm', 'never', key()],
    ['lost', 'deleted', key({ standing: 'deleted' })],
    ['lost', 'no key', { standing: 'none', others: 0, askedAt: now }],
    ['unknown', '', { standing: 'unsure', others: 2, askedAt: now }],
    ['unknown', '', undefined],
  ] as const)('is %s: %s', (level, short, view) => {
    expect(keyWords(view, now)).toMatchObject({ level, short });
  });

  it('has the exact date, the age, the birth and the other keys in full', () => {
    const view = key({ expiresAt: now + 12 * DAY, madeAt: now - 78 * DAY, born: 'device', others: 1 });
    expect(keyWords(view, now).full).toBe(
      'Key 371 ends on 3 Dec 2026, 13:56, in 12 days, made 78 days ago, born on the device, 1 other key signs in too.',
    );
  });
});

describe('the key of a device of the batch', () => {
  const row = (part: Partial<EnrollmentRow>): EnrollmentRow => ({
    ...{ deviceId: 'a', position: 1, target: 't', address: 'a', state: 'running', attempt: 1, roundTrips: 0 },
    ...{ steps: stepIds.map((id) => ({ id, state: 'waiting' })), ...part },
  });

  it('is the new one while its rotation runs, not the one that is replaced', () => {
    const facts = { keyId: '372', keyExpiresAt: now + DAY, keyBorn: 'device' as const };
    expect(keyOfDevice(row({ facts }), { a: key() })).toMatchObject({ keyId: '372', born: 'device' });
  });

  it('is what the provider said last once the device is enrolled', () => {
    const gone = key({ standing: 'none' });
    expect(keyOfDevice(row({ state: 'enrolled', facts: { keyId: '371' } }), { a: gone })).toBe(gone);
    expect(keyOfDevice(row({}), undefined)).toBeUndefined();
  });
});

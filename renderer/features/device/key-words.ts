import type { EnrollmentRow, MachineKeyView } from '#shared/model/station-state.ts';
import { formatDate, formatLongSpan } from '../../lib/format.ts';
import type { GlyphShape } from '../../ui/StateGlyph.tsx';

/** How pressing a device's key is: `past` and `lost` need somebody now, `near` soon. */
export type KeyLevel = 'calm' | 'near' | 'past' | 'lost' | 'unknown';

export interface KeyWords {
  readonly level: KeyLevel;
  /** For a table cell, a few characters; empty where nothing is known. */
  readonly short: string;
  /** For a panel. */
  readonly says: string;
  /** Everything there is to say, with exact dates: for a tooltip and a screen reader. */
  readonly full: string;
}

/** Without a word from the engine a key is near its end for this long before it. */
const NEAR_MS = 30 * 86_400_000;

/** How pressing a device's key is, without a word of it: cheap enough for a whole fleet every second. Pure. */
export function keyLevel(key: MachineKeyView | undefined, now: number): KeyLevel {
  if (key === undefined || key.standing === 'unsure') return 'unknown';
  if (key.standing !== 'registered') return 'lost';
  if (key.expiresAt === undefined) return 'calm';
  if (key.expiresAt <= now) return 'past';
  return now >= (key.renewFrom ?? key.expiresAt - NEAR_MS) ? 'near' : 'calm';
}

/** What is said of a device's machine key. Pure. */
export function keyWords(key: MachineKeyView | undefined, now: number): KeyWords {
  if (key === undefined)
    return { level: 'unknown', short: '', says: 'Not looked up yet', full: 'The key was not looked up yet.' };
  switch (key.standing) {
    case 'none':
      return {
        level: 'lost',
        short: 'no key',
        says: 'No key',
        full: 'The provider has no key for this device.',
      };
    case 'deleted':
      return {
        ...{ level: 'lost', short: 'deleted', says: 'Deleted at the provider' },
        full: `Key ${key.keyId ?? ''} is deleted at the provider. The device is refused once its token ends.`,
      };
    case 'unsure':
      return {
        ...{ level: 'unknown', short: '', says: `One of ${key.others} keys` },
        full: `${key.others} keys sign in, and nothing tells which of them the device has.`,
      };
    case 'registered':
      return registeredWords(key, now);
  }
}

function registeredWords(key: MachineKeyView, now: number): KeyWords {
  const { expiresAt } = key;
  const rest = [...detailWords(key, now), ...otherWords(key.others)];
  const full = (ends: string) => [`Key ${key.keyId ?? ''} ${ends}`, ...rest].join(', ').concat('.');
  if (expiresAt === undefined)
    return { level: 'calm', short: 'never', says: 'Never ends', full: full('never ends') };
  const span = formatLongSpan(Math.abs(expiresAt - now));
  const on = formatDate(expiresAt);
  if (expiresAt <= now)
    return {
      ...{ level: 'past', short: `${span} ago`, says: `Ended ${span} ago` },
      full: full(`ended on ${on}, ${span} ago`),
    };
  return {
    level: keyLevel(key, now),
    short: `in ${span}`,
    says: `Ends in ${span}`,
    full: full(`ends on ${on}, in ${span}`),
  };
}

/** Age and birth of a key, as far as they are known: `made 3 months ago`, `born on the device`. */
export function detailWords({ madeAt, born }: MachineKeyView, now: number): string[] {
  const words: string[] = [];
  if (madeAt !== undefined) {
    const age = now - madeAt;
    words.push(age < 3_600_000 ? 'made just now' : `made ${formatLongSpan(age)} ago`);
  }
  if (born !== undefined) words.push(born === 'device' ? 'born on the device' : 'minted by the provider');
  return words;
}

/** What is said of further keys of the account. */
export function otherWords(others: number): string[] {
  if (others === 0) return [];
  return [others === 1 ? '1 other key signs in too' : `${others} other keys sign in too`];
}

export const keyLevelLooks: Readonly<
  Record<KeyLevel, { readonly shape: GlyphShape | undefined; readonly colour: string }>
> = {
  calm: { shape: undefined, colour: 'text-ink-2' },
  near: { shape: 'clock', colour: 'font-medium text-attn-fg' },
  past: { shape: 'octagon', colour: 'font-medium text-fail-fg' },
  lost: { shape: 'octagon', colour: 'font-medium text-fail-fg' },
  unknown: { shape: undefined, colour: 'text-ink-3' },
};

/** Whether somebody should look after this key. */
export function keyNeedsCare(level: KeyLevel): boolean {
  return level === 'near' || level === 'past' || level === 'lost';
}

/** The key of a device of the batch: from what is shown of the fleet's keys, else from what its enrollment saw. */
export function keyOfDevice(
  row: EnrollmentRow,
  keys: Readonly<Record<string, MachineKeyView>> | undefined,
): MachineKeyView | undefined {
  const { facts } = row;
  const known = keys?.[row.deviceId];
  if (
    known !== undefined &&
    (facts?.keyId === undefined || known.keyId === facts.keyId || row.state === 'enrolled')
  )
    return known;
  if (facts?.keyId === undefined) return known;
  return {
    ...{ standing: 'registered', keyId: facts.keyId, others: 0, askedAt: row.startedAt ?? 0 },
    ...(facts.keyExpiresAt === undefined ? {} : { expiresAt: facts.keyExpiresAt }),
    ...(facts.keyMadeAt === undefined ? {} : { madeAt: facts.keyMadeAt }),
    ...(facts.keyBorn === undefined ? {} : { born: facts.keyBorn }),
  };
}

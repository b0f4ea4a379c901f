import type { BenchDevice, EnrollmentRow, Heartbeat, StationState } from '#shared/model/station-state.ts';
import type { GlyphShape } from '../../ui/StateGlyph.tsx';

export const foundStates = [
  'problem',
  'unnamed',
  'new',
  'failed',
  'enrolled',
  'left',
  'running',
  'awaiting',
] as const;
export type FoundState = (typeof foundStates)[number];

export const foundWords: Readonly<
  Record<FoundState, { readonly word: string; readonly shape: GlyphShape; readonly colour: string }>
> = {
  problem: { word: 'Wrong id', shape: 'octagon', colour: 'text-fail-fg' },
  unnamed: { word: 'Not named', shape: 'circle', colour: 'text-ink-2' },
  new: { word: 'New', shape: 'plus', colour: 'text-ink-1' },
  failed: { word: 'Failed before', shape: 'undo', colour: 'text-undo-fg' },
  enrolled: { word: 'Enrolled', shape: 'tick', colour: 'text-ink-2' },
  left: { word: 'Left the fleet', shape: 'chevrons', colour: 'text-ink-3' },
  running: { word: 'In this batch', shape: 'ring', colour: 'text-run-fg' },
  awaiting: { word: 'Needs sign-in', shape: 'clock', colour: 'text-attn-fg' },
};

/** What a device on the bench is to the station. */
export function foundState(device: BenchDevice): FoundState {
  if (device.deviceId === '') return 'unnamed';
  if (device.problem !== undefined) return 'problem';
  if (device.lastState === 'enrolled') return 'enrolled';
  if (device.lastState === 'decommissioned') return 'left';
  if (device.lastState === 'running') return 'running';
  if (device.lastState === 'awaiting-sign-in') return 'awaiting';
  if (device.lastState === 'failed' || device.lastState === 'stopped') return 'failed';
  return 'new';
}

/** The word for a problem row: what of it is wrong. */
export function problemWord(device: BenchDevice): string {
  switch (device.problem?.code) {
    case 'DEVICE_ID_DUPLICATE':
      return 'Id twice';
    case 'DEVICE_TARGET_INVALID':
      return 'Wrong address';
    case 'DEVICE_TARGET_DUPLICATE':
      return 'Address twice';
    default:
      return foundWords.problem.word;
  }
}

/** Whether a device is part of the next batch unless the operator says otherwise. */
export function chosenByDefault(device: BenchDevice): boolean {
  const state = foundState(device);
  return state === 'new' || state === 'failed';
}

/** Whether a device may be chosen at all. */
export function choosable(device: BenchDevice): boolean {
  return device.problem === undefined && device.deviceId !== '';
}

export type Choices = Readonly<Record<string, boolean>>;

/** Whether a device is in the next batch. */
export function isChosen(device: BenchDevice, choices: Choices): boolean {
  return choosable(device) && (choices[device.rowId] ?? chosenByDefault(device));
}

/** System of a device, from its newest enrollment or its heartbeat. */
export function systemOf(row: EnrollmentRow | undefined, heartbeat: Heartbeat | undefined): string {
  return row?.facts?.system ?? heartbeat?.os ?? '';
}

/** First and last id of the chosen devices, as `a to b`. */
export function namesOf(devices: readonly BenchDevice[]): string {
  const first = devices[0]?.deviceId ?? '';
  const last = devices.at(-1)?.deviceId ?? '';
  return devices.length < 2 ? first : `${first} to ${last}`;
}

export interface Check {
  readonly key: string;
  readonly tone: 'right' | 'look' | 'blocks';
  readonly says: string;
  readonly more?: string;
  readonly action?: 'sign-in' | 'name';
}

/** What has to be right before a batch starts, problems first. */
export function preflight(
  station: StationState,
  chosen: readonly BenchDevice[],
  leftMinutes: string,
): Check[] {
  const { session, lamps, profile, bench } = station;
  const checks: Check[] = [];
  const wrong = bench.filter((device) => device.problem !== undefined && device.deviceId !== '').length;
  const unnamed = bench.filter((device) => device.deviceId === '').length;

  if (profile === undefined) checks.push({ key: 'profile', tone: 'blocks', says: 'No profile is loaded' });
  checks.push(
    session.state === 'signed-in'
      ? { key: 'session', tone: 'right', says: 'Signed in', more: leftMinutes }
      : { key: 'session', tone: 'blocks', says: 'Nobody is signed in', action: 'sign-in' },
  );
  if (wrong > 0) {
    checks.push({
      key: 'ids',
      tone: 'look',
      says: wrong === 1 ? '1 device cannot be enrolled' : `${wrong} devices cannot be enrolled`,
      more: wrong === 1 ? 'it stays on the bench' : 'they stay on the bench',
    });
  } else if (chosen.length > 0) {
    checks.push({ key: 'ids', tone: 'right', says: 'Every id is valid', more: 'and none is there twice' });
  }
  if (unnamed > 0) {
    checks.push({
      key: 'names',
      tone: 'look',
      says: unnamed === 1 ? '1 device has no id' : `${unnamed} devices have no id`,
      action: 'name',
    });
  }
  checks.push(lampCheck('nats', 'NATS answers', 'NATS', lamps.nats));
  checks.push(
    lamps.keychain.state === 'ok'
      ? { key: 'keychain', tone: 'right', says: 'Keychain is open' }
      : {
          key: 'keychain',
          tone: 'look',
          says: 'The sign-in is not remembered',
          more: lamps.keychain.detail ?? lamps.keychain.word,
        },
  );
  if (profile?.acceptsInvalidCerts === true) {
    checks.push({ key: 'certificates', tone: 'look', says: 'Certificates are not checked' });
  }
  const weight = { blocks: 0, look: 1, right: 2 } as const;
  return checks.sort((a, b) => weight[a.tone] - weight[b.tone]);
}

function lampCheck(key: string, right: string, name: string, lamp: StationState['lamps']['nats']): Check {
  const more = lamp.detail === undefined ? {} : { more: lamp.detail };
  if (lamp.state === 'ok') return { key, tone: 'right', says: right, ...more };
  return { key, tone: 'look', says: `${name}: ${lamp.word}`, ...more };
}

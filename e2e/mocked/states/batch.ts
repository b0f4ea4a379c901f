import { isUnderWay, type StepId, type StepState, stepIds } from '#shared/model/enrollment.ts';
import type { BatchView, EnrollmentRow } from '#shared/model/station-state.ts';
import { errorOf } from './errors.ts';

/** The moment all mocked screens are looked at; local time, so that every time zone shows the same clock. */
export const now = new Date(2026, 10, 21, 13, 56, 12).getTime();
const MINUTE = 60_000;
export const startedAt = now - 15 * MINUTE;

type Step = EnrollmentRow['steps'][number];

/** Repeatable spread around a value; no two devices take the same time. */
function spread(position: number, place: number, around: number, by: number): number {
  const wave = Math.sin(position * 12.9898 + place * 78.233) * 43_758.5453;
  return Math.round(around + (wave - Math.floor(wave) - 0.5) * 2 * by);
}

const usual: readonly (readonly [around: number, by: number])[] = [
  [100, 10],
  [1300, 500],
  [2100, 700],
  [126_000, 14_000],
  [3000, 700],
  [46_000, 4000],
  [1500, 300],
  [2300, 300],
  [7200, 2500],
];

function durationOf(position: number, place: number): number {
  const [around, by] = usual[place] ?? [1000, 0];
  return spread(position, place, around, by);
}

export function deviceName(position: number): string {
  return `batch7-${String(position).padStart(3, '0')}`;
}

interface RowPlan {
  readonly position: number;
  readonly state: EnrollmentRow['state'];
  /** Step it is at; those before are done. */
  readonly at?: StepId;
  readonly stepState?: StepState;
  readonly stepMs?: number;
  readonly progress?: Step['progress'];
  readonly already?: readonly StepId[];
  readonly undone?: readonly StepId[];
  readonly error?: EnrollmentRow['error'];
  readonly attempt?: number;
  readonly finishedAgoMs?: number;
}

/** One row of the batch, with steps whose times add up. */
export function row(plan: RowPlan): EnrollmentRow {
  const at = plan.at === undefined ? stepIds.length : stepIds.indexOf(plan.at);
  let spent = 0;
  const began = plan.state === 'waiting' ? undefined : beganAt(plan, at);
  const steps = stepIds.map((id, place): Step => {
    if (plan.state === 'waiting' || place > at) return { id, state: 'waiting' };
    const startedStepAt = (began ?? 0) + spent;
    if (place === at) {
      const state = plan.stepState ?? 'running';
      const progress = plan.progress === undefined ? {} : { progress: plan.progress };
      return state === 'running'
        ? { id, state, startedAt: startedStepAt, ...progress }
        : { id, state, startedAt: startedStepAt, durationMs: plan.stepMs ?? 1000 };
    }
    if (plan.undone?.includes(id)) return { id, state: 'undone', note: 'The new key was deleted again' };
    if (plan.already?.includes(id)) return { id, state: 'already', startedAt: startedStepAt, durationMs: 0 };
    const durationMs = durationOf(plan.position, place);
    spent += durationMs;
    return { id, state: 'done', startedAt: startedStepAt, durationMs };
  });
  const finished = plan.state === 'enrolled' || plan.state === 'failed';
  const finishedAt = (began ?? 0) + spent + (plan.stepMs ?? 0);
  return {
    deviceId: deviceName(plan.position),
    position: plan.position,
    target: `ssh://pi@10.20.4.${36 + plan.position * 2}`,
    address: `10.20.4.${36 + plan.position * 2}`,
    state: plan.state,
    attempt: plan.attempt ?? 1,
    ...(began === undefined ? {} : { startedAt: began }),
    ...(finished ? { finishedAt } : {}),
    steps,
    ...(plan.error === undefined ? {} : { error: plan.error }),
    facts: {
      model: 'Raspberry Pi CM4 Rev 1.1, 8 GB',
      serial: `10000000${(0xe41b7f3a - plan.position * 7919).toString(16)}`,
      architecture: 'arm64',
      system: 'Debian 13.1 (trixie)',
      freeBytes: 24_100_000_000,
      clockOffsetSeconds: -0.4,
    },
    hostKeyFingerprint: 'SHA256:pV3lbq0nHqQ2Gk3nq3o6vYx1uZ2m9QkA',
    roundTrips: 5,
  };
}

function beganAt(plan: RowPlan, at: number): number {
  let before = plan.stepMs ?? 0;
  for (let place = 0; place < at; place += 1) {
    const id = stepIds[place] ?? 'check';
    if (!plan.already?.includes(id) && !plan.undone?.includes(id)) before += durationOf(plan.position, place);
  }
  if (isUnderWay(plan.state)) return now - before - spread(plan.position, 20, 5000, 4000);
  return now - (plan.finishedAgoMs ?? 0) - before;
}

const sudo = () => errorOf('DEVICE_SUDO_PASSWORD_NEEDED', { user: 'pi' }, 'connect');

function special(position: number): EnrollmentRow | undefined {
  switch (position) {
    case 6:
    case 19:
    case 33:
      return row({
        position,
        state: 'failed',
        at: 'connect',
        stepState: 'failed',
        stepMs: 1400 + position,
        error: sudo(),
        finishedAgoMs: (50 - position) * 18_000,
      });
    case 14:
      return row({
        position,
        state: 'failed',
        at: 'packages',
        stepState: 'failed',
        stepMs: 300_000,
        undone: ['identity'],
        error: errorOf(
          'DEVICE_APT_LOCKED',
          { waited: '5:00', holder: 'process 812 (unattended-upgr)' },
          'packages',
        ),
        finishedAgoMs: 200_000,
      });
    case 27:
      return row({
        position,
        state: 'failed',
        at: 'heartbeat',
        stepState: 'failed',
        stepMs: 90_000,
        error: errorOf(
          'AGENT_NO_HEARTBEAT',
          { limit: '90 s', likely: 'This device cannot reach NATS at 10.20.0.9:4222.' },
          'heartbeat',
        ),
        finishedAgoMs: 150_000,
      });
    case 30:
      return row({ position, state: 'enrolled', already: ['packages', 'user'], finishedAgoMs: 95_000 });
    case 28:
      return row({ position, state: 'enrolled', attempt: 2, finishedAgoMs: 110_000 });
    default:
      return undefined;
  }
}

const running: Readonly<Record<number, Omit<RowPlan, 'position' | 'state'>>> = {
  38: { at: 'packages', progress: { text: '18 / 41', done: 18, total: 41 } },
  39: { at: 'packages', progress: { text: '10 / 41', done: 10, total: 41 } },
  40: { at: 'binary', progress: { text: '8.1 / 18.6 MB', done: 8.1, total: 18.6 } },
  41: { at: 'packages', progress: { text: '19 / 41', done: 19, total: 41 } },
  43: { at: 'binary', progress: { text: '12.5 / 18.6 MB', done: 12.5, total: 18.6 } },
  44: { at: 'packages', progress: { text: 'waits for unattended-upgr' } },
  45: { at: 'heartbeat' },
  46: { at: 'identity', progress: { text: 'grant', done: 1, total: 2 } },
};

/** The mix of a batch of 48 after a quarter of an hour. */
export function mixedRows(total = 48): Record<string, EnrollmentRow> {
  const rows: EnrollmentRow[] = [];
  for (let position = 1; position <= total; position += 1) {
    const plan = running[position];
    const found =
      special(position) ??
      (plan !== undefined
        ? row({ position, state: 'running', ...plan })
        : position === 37 || position > 46
          ? row({ position, state: 'waiting' })
          : row({ position, state: 'enrolled', finishedAgoMs: (47 - position) * 17_000 }));
    rows.push(found);
  }
  return Object.fromEntries(rows.map((one) => [one.deviceId, one]));
}

/** Boards without a battery clock, a few of a batch. */
export function clockRows(): Record<string, EnrollmentRow> {
  return failedToConnect([3, 5, 9], errorOf('DEVICE_CLOCK_OFF', { offset: '365 days' }, 'connect'));
}

/** Three devices that cannot be logged into before the station's key is opened. */
export function passphraseRows(): Record<string, EnrollmentRow> {
  const key = { path: '/home/operator/bench-key' };
  return failedToConnect([3, 5, 9], errorOf('STATION_KEY_PASSPHRASE_NEEDED', key, 'connect'));
}

/** Devices that need a token while nobody is signed in; those in the middle of other work go on with it. */
export function heldRows(): Record<string, EnrollmentRow> {
  const held = [38, 39, 43, 46].map((position) =>
    row({ position, state: 'awaiting-sign-in', at: position === 43 ? 'key-config' : 'identity' }),
  );
  return { ...mixedRows(), ...Object.fromEntries(held.map((one) => [one.deviceId, one])) };
}

/** A board that shows another host key than before. */
export function hostKeyRow(): Record<string, EnrollmentRow> {
  const place = '10.20.4.90';
  const expected = 'SHA256:pV3lbq0nHqQ2Gk3nq3o6vYx1uZ2m9QkAxv2mL0oT8sE';
  const actual = 'SHA256:Zr8cT1fJw6mX0yQe4uN7bK5dA2sHgV9iLoP3tRzCxWk';
  const details = { address: place, place, expected, actual };
  return failedToConnect([27], errorOf('DEVICE_HOST_KEY_CHANGED', details, 'connect'));
}

function failedToConnect(
  positions: readonly number[],
  error: ReturnType<typeof errorOf>,
): Record<string, EnrollmentRow> {
  const rows = positions.map((position) =>
    row({
      ...({ position, state: 'failed', at: 'connect', stepState: 'failed', stepMs: 1400 } as const),
      ...{ error, finishedAgoMs: position * 9_000 },
    }),
  );
  return Object.fromEntries(rows.map((one) => [one.deviceId, one]));
}

export const batch: BatchView = {
  batchId: 'b-0187',
  name: 'WO-2611-0187',
  state: 'running',
  startedAt,
  concurrency: 8,
};

import { AptProgress } from '../device/apt-progress.ts';
import { commandFailure } from '../device/command-failure.ts';
import { receiveMachineKey } from '../device/commands.ts';
import { fenced } from '../device/fence.ts';
import { composeTrip, type Fragment, parseTripLine, type Segment } from '../device/fragment.ts';
import { adoptBornKey, type BirthLine, readBirthLine } from '../device/key-birth.ts';
import type { StepId } from '../model/enrollment.ts';
import type { TripSegment } from '../plan/trips.ts';
import { tripLimits } from './device-limits.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import type { BornKey } from './machine-keys.ts';
import type { MintedKey } from './ports.ts';

/** Output kept for the evidence of a failure. */
const MAX_EVIDENCE_LINES = 40;

/** Follows a trip's output: opens and closes steps on the board as the device reports them. */
class TripFollower {
  readonly #context: EnrollmentContext;
  readonly #nonce: string;
  readonly #apt = new AptProgress();
  #step: StepId;
  #lastLines: string[] = [];
  #running = '';
  /** Fragments that ended well, by what the log shows of them. */
  readonly succeeded = new Set<string>();
  readonly failed = new Set<string>();
  readonly begun = new Set<string>();
  readonly #collect: TripOptions['collect'];

  constructor(context: EnrollmentContext, nonce: string, first: StepId, collect: TripOptions['collect']) {
    this.#context = context;
    this.#nonce = nonce;
    this.#step = first;
    this.#collect = collect;
  }

  get step(): StepId {
    return this.#step;
  }

  get output(): string {
    return this.#lastLines.join('\n');
  }

  read(raw: string, steps: readonly StepId[]): void {
    const { record } = this.#context;
    const line = parseTripLine(raw, this.#nonce);
    if (line.kind === 'step' || line.kind === 'finished') {
      const step = steps.find((id) => id === line.step);
      if (step === undefined) return;
      this.#step = step;
      if (line.kind === 'step') record.startStep(step);
      else record.finishStep(step, 'done');
      return;
    }
    if (line.kind === 'run') {
      record.log.add({ kind: 'command', stepId: this.#step, text: line.shows });
      this.#lastLines = [];
      this.#running = line.shows;
      this.begun.add(line.shows);
    } else if (line.kind === 'exit') {
      (line.status === 0 ? this.succeeded : this.failed).add(this.#running);
      const text = line.status === 0 ? 'exit 0' : `exit ${line.status}`;
      record.log.add({ kind: line.status === 0 ? 'exit-ok' : 'exit-failed', stepId: this.#step, text });
    } else if (line.text.trim() !== '') {
      const birth = this.#collect === undefined ? undefined : readBirthLine(line.text);
      if (birth !== undefined) {
        this.#collect?.(birth);
        return;
      }
      this.#keep(line.text);
      record.log.add({ kind: 'output', stepId: this.#step, text: line.text });
      const progress = this.#step === 'packages' ? this.#apt.read(line.text) : undefined;
      if (progress) record.progress('packages', progress);
    }
  }

  #keep(text: string): void {
    this.#lastLines.push(text);
    if (this.#lastLines.length > MAX_EVIDENCE_LINES) this.#lastLines.shift();
  }
}

/** Tells whether a key sent with a trip has arrived. `unknown`: the connection broke in between. */
export type KeyDelivery = 'delivered' | 'not-delivered' | 'unknown';

export interface TripOptions {
  /** The key the trip carries, or has the device put in place. */
  readonly key?: MintedKey | BornKey;
  /** Called exactly once when there is a key, before any error is thrown. */
  readonly onKey?: (delivery: KeyDelivery) => Promise<void>;
  /** Takes what the device tells of a key it makes; that is not shown in the log. */
  readonly collect?: (line: BirthLine) => void;
}

/**
 * Sends the commands of one or more steps to the device as one exchange; the board follows the device's marks.
 * @throws the typed failure of the command that failed, or what the session throws
 */
export async function performCommands(
  context: EnrollmentContext,
  segments: readonly TripSegment[],
  { key, onKey, collect }: TripOptions,
): Promise<void> {
  const { record, session, look, holder, signal } = context;
  const nonce = context.ports.random.hex(8);
  const steps = segments.map((segment) => segment.step);
  const first = steps[0];
  if (first === undefined) return;
  const shell: Segment<StepId>[] = segments.map((segment) => ({
    ...{ step: segment.step, goesOn: segment.goesOn === true },
    fragments: segment.parts.map((part) => {
      if (part.kind === 'fragment') return part.fragment;
      if (key === undefined) throw new Error('A plan delivers a key that was not made.');
      return deliveryOf(key);
    }),
  }));
  const follower = new TripFollower(context, nonce, first, collect);
  // Decided by the key's own marks. A fragment after it may fail: the key is on the device all the same. And a
  // script that was killed while it ran proves nothing, whatever its exit status.
  const keyFragment = key === undefined ? '' : deliveryOf(key).shows;
  const keyDelivery = (ended: boolean): KeyDelivery => {
    if (follower.succeeded.has(keyFragment)) return 'delivered';
    if (follower.failed.has(keyFragment)) return 'not-delivered';
    return ended && !follower.begun.has(keyFragment) ? 'not-delivered' : 'unknown';
  };
  record.startStep(first);
  record.countRoundTrip();
  let result: Awaited<ReturnType<typeof session.run>>;
  try {
    const trip = composeTrip(steps.join(', '), nonce, shell);
    result = await session.run(fenced(trip, { holder, epoch: look.facts.epoch }), {
      signal,
      elevation: look.elevation,
      ...tripLimits(steps),
      ...(key !== undefined && 'file' in key ? { payload: key.file } : {}),
      onLine: (_stream, line) => follower.read(line, steps),
    });
  } catch (thrown) {
    if (key) await onKey?.(keyDelivery(false));
    throw thrown;
  }
  const failed = result.exitStatus !== 0;
  if (key) await onKey?.(failed ? keyDelivery(true) : 'delivered');
  if (failed) throw commandFailure(follower.step, result.exitStatus, follower.output || result.stderr);
}

/** How a key gets to its place on the device: sent, or out of what the device has made itself. */
function deliveryOf(key: MintedKey | BornKey): Fragment {
  return 'file' in key ? receiveMachineKey(key.sizeBytes, key.sha256) : adoptBornKey(key);
}

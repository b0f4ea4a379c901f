import type { StepId } from '../model/enrollment.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import { printable } from '../model/printable.ts';
import { remedies } from './remedies.ts';
import type { Offer, Remedy, RetryAdvice, SecretNeeded } from './remedy.ts';

export type Phase = 'connect' | 'check' | 'apply' | 'verify';

/** Said of a request that is known to have changed nothing where it was sent: it may be sent once more as it is. */
export interface NoEffect {
  /** The pause that the other side asks for. */
  readonly pauseMs?: number;
}

export interface EnrollmentErrorOptions {
  /** Values for the `{name}` places of the remedy's texts. Never a secret. */
  readonly details?: Readonly<Record<string, string | number>>;
  readonly phase?: Phase;
  readonly stepId?: StepId;
  /** Device id or address it is about. */
  readonly subject?: string;
  /** Raw evidence: command, exit status, what was printed, reply body. Secrets already masked. */
  readonly evidence?: string;
  readonly cause?: unknown;
  /** Left out where it may have had an effect. */
  readonly noEffect?: NoEffect | undefined;
}

/** The one error that crosses modules. Adapters translate foreign errors into it where they meet them. */
export class EnrollmentError extends Error {
  override readonly name = 'EnrollmentError';
  readonly code: EnrollmentErrorCode;
  readonly details: Readonly<Record<string, string | number>>;
  readonly phase: Phase | undefined;
  readonly stepId: StepId | undefined;
  readonly subject: string | undefined;
  readonly evidence: string | undefined;
  readonly noEffect: NoEffect | undefined;

  constructor(code: EnrollmentErrorCode, options: EnrollmentErrorOptions = {}) {
    const details = options.details ?? {};
    super(
      fill(remedies[code].says, details),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.details = details;
    this.phase = options.phase;
    this.stepId = options.stepId;
    this.subject = options.subject;
    this.evidence = options.evidence;
    this.noEffect = options.noEffect;
  }

  /** The same error, placed: step, phase and subject are added where they are not known yet. */
  at(place: Pick<EnrollmentErrorOptions, 'phase' | 'stepId' | 'subject'>): EnrollmentError {
    const options: Record<string, unknown> = {
      details: this.details,
      phase: this.phase ?? place.phase,
      stepId: this.stepId ?? place.stepId,
      subject: this.subject ?? place.subject,
      evidence: this.evidence,
      cause: this.cause,
      noEffect: this.noEffect,
    };
    return new EnrollmentError(this.code, options);
  }
}

/** An error as plain data: crosses processes, is shown, is journaled. */
export interface ErrorView {
  readonly code: EnrollmentErrorCode;
  readonly title: string;
  readonly says: string;
  readonly cause: string;
  readonly operatorDoes: string;
  readonly retry: RetryAdvice;
  readonly secretNeeded: SecretNeeded | undefined;
  readonly offer: Offer | undefined;
  readonly stepId: StepId | undefined;
  readonly subject: string | undefined;
  readonly evidence: string | undefined;
  /** Of a host key that changed: where it is pinned, the pinned fingerprint and the one shown instead. */
  readonly hostKey?: {
    readonly place: string;
    readonly expected: string;
    readonly actual: string;
    readonly keyType: string | undefined;
  };
}

function changedHostKey({ code, details }: EnrollmentError): Pick<ErrorView, 'hostKey'> {
  const { place, expected, actual, keyType } = details;
  if (code !== 'DEVICE_HOST_KEY_CHANGED' || place === undefined) return {};
  const type = keyType === undefined ? undefined : String(keyType);
  return {
    hostKey: { place: String(place), expected: String(expected), actual: String(actual), keyType: type },
  };
}

function fill(text: string, details: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (_place, name: string) => {
    const value = details[name];
    return value === undefined ? 'unknown' : printable(String(value));
  });
}

/** Plain data of any thrown value. What is not an {@link EnrollmentError} is a bug and says so. */
export function toErrorView(thrown: unknown): ErrorView {
  const error =
    thrown instanceof EnrollmentError
      ? thrown
      : new EnrollmentError('STATION_BUG', { cause: thrown, evidence: describeThrown(thrown) });
  const remedy: Remedy = remedies[error.code];
  return {
    code: error.code,
    title: remedy.title,
    says: fill(remedy.says, error.details),
    cause: fill(remedy.cause, error.details),
    operatorDoes: fill(remedy.operatorDoes, error.details),
    retry: remedy.retry,
    secretNeeded: remedy.secretNeeded,
    offer: remedy.offer,
    stepId: error.stepId,
    subject: error.subject === undefined ? undefined : printable(error.subject),
    evidence: error.evidence === undefined ? undefined : printable(error.evidence, { keepNewlines: true }),
    ...changedHostKey(error),
  };
}

/** What is told of a thrown object that is no error. Its other fields may hold anything, secrets too. */
const TOLD_FIELDS = ['name', 'message', 'code', 'level', 'status'] as const;

/** Name and message of a thrown value, for evidence. The stack stays in the log. */
export function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) {
    const cause = thrown.cause === undefined ? '' : `; cause: ${describeThrown(thrown.cause)}`;
    return `${thrown.name}: ${thrown.message}${cause}`;
  }
  if (typeof thrown === 'object' && thrown !== null) return describeObject(thrown);
  return String(thrown);
}

function describeObject(thrown: object): string {
  const fields = thrown as Readonly<Record<string, unknown>>;
  const told = TOLD_FIELDS.flatMap((field) => {
    const value = fields[field];
    return typeof value === 'string' || typeof value === 'number' ? [`${field} ${value}`] : [];
  });
  const kind = thrown.constructor?.name || 'Object';
  return told.length === 0 ? kind : `${kind} (${told.join(', ')})`;
}

import { create } from 'zustand';
import type { ErrorView } from '#shared/errors/enrollment-error.ts';

/** An error as it arrives over the contract. */
export type ShownError = Pick<ErrorView, 'code' | 'title' | 'says' | 'cause' | 'operatorDoes' | 'retry'> &
  Partial<Pick<ErrorView, 'secretNeeded' | 'offer' | 'stepId' | 'subject' | 'evidence'>>;

export interface Failure {
  readonly id: number;
  readonly error: ShownError;
}

const MOST_SHOWN = 3;
let lastId = 0;

/** Failures of requests that have no better place to be shown; the newest last. */
export const useFailures = create<{ readonly failures: readonly Failure[] }>(() => ({ failures: [] }));

/** Shows a failure above the work area until it is dismissed. One code is shown once. */
export function reportFailure(error: ShownError): void {
  lastId += 1;
  const failure = { id: lastId, error };
  useFailures.setState(({ failures }) => ({
    failures: [...failures.filter((known) => known.error.code !== error.code), failure].slice(-MOST_SHOWN),
  }));
}

/** Takes a failure off the screen. */
export function dismissFailure(id: number): void {
  useFailures.setState(({ failures }) => ({ failures: failures.filter((failure) => failure.id !== id) }));
}

import { exitStatus, stopSignals } from '../setup/processes.mjs';

/** Signals that come closer together are one press: npm passes on the Ctrl-C that the terminal has delivered already. */
const onePressMs = 1_000;

export interface StopSignals {
  /** After the first signal: shut down. */
  readonly stop: AbortSignal;
  /** After a second one: do not wait for it. */
  readonly cut: AbortSignal;
  /** Exit status that the first signal gives. */
  status(): number;
}

/**
 * Listens for the signals that ask this script to stop.
 * @param now in milliseconds
 */
export function listenForStop(
  source: Pick<NodeJS.Process, 'on'> = process,
  now: () => number = Date.now,
): StopSignals {
  const stop = new AbortController();
  const cut = new AbortController();
  let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
  for (const signal of stopSignals) {
    source.on(signal, () => {
      if (first === undefined) {
        first = { signal, at: now() };
        stop.abort();
      } else if (now() - first.at > onePressMs) {
        cut.abort();
      }
    });
  }
  return { stop: stop.signal, cut: cut.signal, status: () => exitStatus(null, first?.signal ?? 'SIGINT') };
}

import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Tells whether this computer has no time to spare. */
export interface BusyWatch {
  /** Of the stretch since it was last asked; of the one before while that is too short to tell. */
  isBusy(): boolean;
  close(): void;
}

/** Delays between two ticks of a timer, nanoseconds, as `monitorEventLoopDelay` counts them. */
export interface TickDelays {
  readonly count: number;
  readonly mean: number;
  reset(): void;
  enable(): unknown;
  disable(): unknown;
}

const TICK_MS = 20;
/** Fewer ticks tell of one packet and not of the computer. */
const LEAST_TICKS = 4;
/** Timers that are due fire so late on average only where work waits for a processor. */
const LATE_MS = 20;

/**
 * Watches how late a timer fires. Who only waits for a link is woken in time; where processes wait for each other, on
 * a station that does too much at once, nobody is.
 */
export function createBusyWatch(
  delays: TickDelays = monitorEventLoopDelay({ resolution: TICK_MS }),
): BusyWatch {
  let wasBusy = false;
  delays.enable();
  return {
    isBusy: () => {
      if (delays.count < LEAST_TICKS) return wasBusy;
      wasBusy = delays.mean / 1e6 - TICK_MS > LATE_MS;
      delays.reset();
      return wasBusy;
    },
    close: () => delays.disable(),
  };
}

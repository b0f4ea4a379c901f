import { describe, expect, it } from 'vitest';
import { createBusyWatch } from './busy-watch.ts';

/** A timer whose ticks are told by the test. */
function ticks() {
  let delays: number[] = [];
  let enabled = false;
  return {
    pass: (...milliseconds: number[]) => {
      delays.push(...milliseconds);
    },
    isEnabled: () => enabled,
    delays: {
      get count() {
        return delays.length;
      },
      get mean() {
        return (delays.reduce((sum, ms) => sum + ms, 0) / delays.length) * 1e6;
      },
      reset: () => {
        delays = [];
      },
      enable: () => {
        enabled = true;
      },
      disable: () => {
        enabled = false;
      },
    },
  };
}

describe('a station', () => {
  it('whose timers fire in time is not busy, and one whose fire late is', () => {
    const { pass, delays } = ticks();
    const watch = createBusyWatch(delays);
    pass(20, 21, 20, 24);
    expect(watch.isBusy()).toBe(false);
    pass(50, 30, 90, 60);
    expect(watch.isBusy()).toBe(true);
    pass(20, 20, 20, 20);
    expect(watch.isBusy()).toBe(false);
  });

  it('is not judged by a single tick, and stays what it was until there are more', () => {
    const { pass, delays } = ticks();
    const watch = createBusyWatch(delays);
    pass(500);
    expect(watch.isBusy()).toBe(false);
    pass(20, 20, 20);
    expect(watch.isBusy()).toBe(true);
    pass(20);
    expect(watch.isBusy()).toBe(true);
  });

  it('is watched only until the watch is closed', () => {
    const { isEnabled, delays } = ticks();
    const watch = createBusyWatch(delays);
    expect(isEnabled()).toBe(true);
    watch.close();
    expect(isEnabled()).toBe(false);
  });

  it('is measured for real where nothing else is given', async () => {
    const watch = createBusyWatch();
    try {
      for (let tick = 0; tick < 6; tick += 1) {
        const until = performance.now() + 70;
        while (performance.now() < until);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(watch.isBusy()).toBe(true);
    } finally {
      watch.close();
    }
  });
});

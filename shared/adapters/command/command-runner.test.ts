import { beforeEach, describe, expect, it } from 'vitest';
import { defineCommand } from '../../device/device-command.ts';
import { tripLimits, uploadLimits } from '../../engine/device-limits.ts';
import type { CommandResult } from '../../engine/ports.ts';
import { EnrollmentError, toErrorView } from '../../errors/enrollment-error.ts';
import { FakeClock, settled } from '../../testing/fake-clock.ts';
import { createCommandRunner } from './command-runner.ts';
import type { CommandEvents, CommandInput } from './command-transport.ts';
import { defaultOutputLimits } from './limits.ts';
import { payloadInput } from './standard-input.ts';

const MINUTE_MS = 60_000;
const BINARY_BYTES = 60_000_000;

let clock: FakeClock;
let events: CommandEvents;
let arrivedBytes: number;
let brokenOff: number;

beforeEach(() => {
  clock = new FakeClock();
  arrivedBytes = 0;
  brokenOff = 0;
});

/** A command on a device that does what the test says. */
function begin(limits: { readonly limitMs: number; readonly quietLimitMs?: number }): Promise<CommandResult> {
  const input: CommandInput = {
    isOpen: true,
    get arrivedBytes() {
      return arrivedBytes;
    },
    write: async () => undefined,
    end: () => undefined,
  };
  const runner = createCommandRunner({
    ...{ clock, limits: defaultOutputLimits, address: 'board.local', user: 'pi' },
    lost: (evidence) => new EnrollmentError('DEVICE_CONNECTION_LOST', { evidence }),
    transport: {
      start: (_command, given) => {
        events = given;
        given.opened(input);
      },
      breakOff: () => {
        brokenOff += 1;
      },
    },
  });
  const running = runner.execute({
    ...{ command: defineCommand('Work', 'true', { asRoot: false }), elevation: { kind: 'none' } },
    ...{ input: payloadInput(undefined), signal: new AbortController().signal, ...limits },
  });
  running.catch(() => undefined);
  return running;
}

/** Does something every so often, for so long. */
async function every(stepMs: number, forMs: number, act: () => void): Promise<void> {
  for (let passed = 0; passed < forMs; passed += stepMs) {
    act();
    await clock.advance(stepMs);
  }
}

async function viewOf(running: Promise<CommandResult>) {
  const outcome = running.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return toErrorView(await Promise.race([outcome, settled().then(() => 'It goes on.')]));
}

describe('an upload', () => {
  it('that shares a slow link with seven others ends well: 60 MB at an eighth of 2 Mbit/s', async () => {
    const running = begin(uploadLimits(BINARY_BYTES));
    const bytesPerSecond = 2_000_000 / 8 / 8;
    await every(1000, (BINARY_BYTES / bytesPerSecond) * 1000, () => {
      arrivedBytes += bytesPerSecond;
    });
    expect(clock.monotonicMs()).toBeGreaterThan(30 * MINUTE_MS);
    events.closed(0);
    expect((await running).exitStatus).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('of which nothing arrives any more is ended, and says how long and how much', async () => {
    const running = begin(uploadLimits(BINARY_BYTES));
    await every(1000, 3 * MINUTE_MS, () => {
      arrivedBytes += 1000;
    });
    await clock.advance(7 * MINUTE_MS);
    const view = await viewOf(running);
    expect(view).toMatchObject({ code: 'DEVICE_TIMEOUT', says: 'Work has not moved for 6:00.' });
    expect(view.evidence).toMatch(
      /Ended after 9:\d\d; nothing had moved for 6:\d\d\. The device had taken 180000 bytes and printed 0\./,
    );
    expect(brokenOff).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('that trickles for ever is ended too', async () => {
    const running = begin(uploadLimits(BINARY_BYTES));
    await every(MINUTE_MS, 146 * MINUTE_MS, () => {
      arrivedBytes += 1;
    });
    expect(await viewOf(running)).toMatchObject({
      ...{ code: 'DEVICE_TIMEOUT', says: 'Work did not finish within 2:25:00.' },
    });
  });
});

describe('a trip of commands', () => {
  it('that installs packages slowly goes on as long as it prints, whatever is quiet in between', async () => {
    const running = begin(tripLimits(['packages', 'user']));
    await every(14 * MINUTE_MS, 112 * MINUTE_MS, () => events.stdout(Buffer.from('Unpacking podman\n')));
    events.closed(0);
    expect((await running).exitStatus).toBe(0);
  });

  it('that prints nothing any more is ended, with what it printed last', async () => {
    const running = begin(tripLimits(['unit']));
    await clock.advance(4 * MINUTE_MS);
    events.stderr(Buffer.from('Job is running\n'));
    await clock.advance(6 * MINUTE_MS);
    const view = await viewOf(running);
    expect(view).toMatchObject({ code: 'DEVICE_TIMEOUT', says: 'Work has not moved for 5:00.' });
    expect(view.evidence).toContain('The device had taken 0 bytes and printed 15.\n\nJob is running');
  });

  it('without a limit for quiet is ended by the whole alone', async () => {
    const running = begin({ limitMs: 60_000 });
    await clock.advance(59_000);
    events.closed(0);
    expect((await running).exitStatus).toBe(0);
    const late = begin({ limitMs: 60_000 });
    await clock.advance(60_000);
    expect(await viewOf(late)).toMatchObject({ says: 'Work did not finish within 1:00.' });
  });
});

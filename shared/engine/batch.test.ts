import { describe, expect, it } from 'vitest';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { Secret } from '../model/secret.ts';
import type { BatchView } from '../model/station-state.ts';
import { deviceId } from '../testing/builders.ts';
import { FakeClock, settled } from '../testing/fake-clock.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { RecordingLogger } from '../testing/recording-logger.ts';
import { Batch, type BatchDevice, type BatchOptions, noSecrets } from './batch.ts';
import { DeviceLog } from './device-log.ts';
import { EnrollmentRecord } from './enrollment-record.ts';

function build(count: number, enroll: BatchOptions['enroll'], concurrency = 3) {
  const clock = new FakeClock();
  const journal = new MemoryJournal();
  const logger = new RecordingLogger();
  const views: BatchView[] = [];
  const devices = Array.from({ length: count }, (_value, index): BatchDevice => {
    const id = deviceId(`board-${index + 1}`);
    const record = new EnrollmentRecord(
      { clock, log: new DeviceLog(clock, () => undefined), publish: () => undefined },
      { deviceId: id, position: index + 1, target: `ssh://pi@${id}.local`, address: `${id}.local` },
    );
    const target = { kind: 'ssh', user: 'pi', host: `${id}.local`, port: 22 } as const;
    return { deviceId: id, record, target, labels: {} };
  });
  const onChange = (view: BatchView): void => {
    views.push(view);
  };
  const batch = new Batch(
    { batchId: 'b1', name: 'batch7', concurrency, clock, journal, logger, enroll, onChange },
    devices,
  );
  const states = (): string[] => devices.map((device) => device.record.row.state);
  return { batch, clock, journal, logger, views, devices, states };
}

describe('a batch', () => {
  it('never runs more than its concurrency, and begins in bench order', async () => {
    let running = 0;
    let most = 0;
    const begun: string[] = [];
    const { batch, clock, states } = build(20, async (device, _secrets, signal) => {
      running += 1;
      most = Math.max(most, running);
      begun.push(device.deviceId);
      await clock.sleep(begun.length % 4 === 0 ? 5_000 : 1_000, signal);
      running -= 1;
    });
    batch.start();
    await clock.run(batch.whenIdle());
    expect(most).toBe(3);
    expect(begun).toEqual(Array.from({ length: 20 }, (_value, index) => `board-${index + 1}`));
    expect(new Set(states())).toEqual(new Set(['enrolled']));
    expect(batch.view).toMatchObject({ state: 'finished', finishedAt: clock.nowMs() });
  });

  it('gives a wish to the attempt it was made for, and to no later one', async () => {
    const given: boolean[] = [];
    const { batch, clock, devices } = build(1, async (_device, { setClock }) => {
      given.push(setClock);
      throw new EnrollmentError('DEVICE_CLOCK_OFF');
    });
    batch.start();
    await clock.run(batch.whenIdle());
    for (const wish of [{ setClock: true }, undefined]) {
      batch.retry([devices[0]?.deviceId ?? ''], noSecrets, wish);
      await clock.run(batch.whenIdle());
    }
    expect(given).toEqual([false, true, false]);
  });

  it('leaves the others alone when one device fails, also by a fault of the station', async () => {
    const { batch, clock, states, devices, journal, logger } = build(4, async (device, _secrets, signal) => {
      await clock.sleep(100, signal);
      device.record.startStep('packages');
      if (device.deviceId === 'board-2') throw new EnrollmentError('DEVICE_TIMEOUT');
      if (device.deviceId === 'board-3') throw new TypeError('x is not a function');
    });
    batch.start();
    await clock.run(batch.whenIdle());
    expect(states()).toEqual(['enrolled', 'failed', 'failed', 'enrolled']);
    expect(devices[1]?.record.row.error).toMatchObject({
      ...{ code: 'DEVICE_TIMEOUT', subject: 'board-2', stepId: 'packages' },
    });
    expect(devices[2]?.record.row.error?.code).toBe('STATION_BUG');
    expect(journal.latestRuns().map((run) => run.state)).toEqual([
      ...['enrolled', 'failed', 'failed', 'enrolled'],
    ]);
    expect(logger.events('warn')).toEqual(['enrollment-failed', 'enrollment-failed']);
  });

  it('that is stopped cuts off what runs, begins nothing more and is finished', async () => {
    const { batch, clock, states, views } = build(6, async (device, _secrets, signal) => {
      await clock.sleep(device.deviceId === 'board-1' ? 100 : 60_000, signal);
    });
    batch.start();
    await clock.advance(200);
    batch.stop();
    expect(batch.view.state).toBe('stopping');
    await batch.whenIdle();
    expect(states()).toEqual(['enrolled', 'stopped', 'stopped', 'stopped', 'stopped', 'stopped']);
    expect(views.map((view) => view.state)).toEqual(['running', 'stopping', 'finished']);
  });

  it('has every device of it on disk from its start on, also those a stop or a crash kept from beginning', async () => {
    const { batch, clock, journal } = build(5, (_device, _secrets, signal) => clock.sleep(60_000, signal), 2);
    const onDisk = () => journal.latestRuns().map((run) => [run.state, run.attempt, run.roundTrips]);
    batch.start();
    expect(onDisk()).toEqual([
      ...['running', 'running', 'stopped', 'stopped', 'stopped'].map((state) => [state, 1, 0]),
    ]);
    batch.stop();
    await batch.whenIdle();
    expect(onDisk()).toEqual(Array.from({ length: 5 }, () => ['stopped', 1, 0]));
    expect(journal.latestRuns().every((run) => run.finishedAt !== undefined)).toBe(true);
    batch.retry(['board-1', 'board-2', 'board-3'], noSecrets);
    expect(onDisk()).toEqual([
      ...[
        ['running', 2, 0],
        ['running', 2, 0],
        ['stopped', 2, 0],
      ],
      ...[
        ['stopped', 1, 0],
        ['stopped', 1, 0],
      ],
    ]);
    await clock.run(batch.whenIdle());
  });

  it('that was stopped goes on with what is retried, and can be stopped again', async () => {
    const { batch, clock, states, views } = build(3, (_device, _secrets, signal) =>
      clock.sleep(1_000, signal),
    );
    batch.start();
    await clock.advance(200);
    batch.stop();
    expect(() => batch.retry(['board-1'], noSecrets)).toThrow(
      expect.objectContaining({ code: 'STATION_BUSY' }),
    );
    await batch.whenIdle();
    batch.retry(['board-1', 'board-2'], noSecrets);
    expect(batch.view.state).toBe('running');
    expect(states()).toEqual(['running', 'running', 'stopped']);
    await clock.run(batch.whenIdle());
    expect(states()).toEqual(['enrolled', 'enrolled', 'stopped']);
    batch.retry(['board-3'], noSecrets);
    await clock.advance(200);
    batch.stop();
    await batch.whenIdle();
    expect(states()).toEqual(['enrolled', 'enrolled', 'stopped']);
    expect(views.map((view) => view.state)).toEqual([
      ...['running', 'stopping', 'finished', 'running', 'finished', 'running', 'stopping', 'finished'],
    ]);
  });

  it('gives a retried device the secret that was entered, and keeps it for the batch', async () => {
    const seen: (string | undefined)[] = [];
    const { batch, clock, devices, states } = build(2, async (device, secrets) => {
      if (device.deviceId === 'board-2') return;
      seen.push(secrets.sudoPassword?.reveal());
      if (seen.length < 3) throw new EnrollmentError('DEVICE_SUDO_PASSWORD_NEEDED');
    });
    batch.start();
    await clock.run(batch.whenIdle());
    batch.retry(['board-1', 'board-2', 'board-1', 'nobody'], {
      ...{ ...noSecrets, sudoPassword: new Secret('canary-sudo') },
    });
    expect(batch.view).not.toHaveProperty('finishedAt');
    await clock.run(batch.whenIdle());
    batch.retry(['board-1'], noSecrets);
    await clock.run(batch.whenIdle());
    expect(seen).toEqual([undefined, 'canary-sudo', 'canary-sudo']);
    expect(states()).toEqual(['enrolled', 'enrolled']);
    expect(devices.map((device) => device.record.row.attempt)).toEqual([3, 1]);
  });

  it('asks for the sudo password once: devices that begin later have it, one with another keeps its own', async () => {
    const seen: string[] = [];
    const { batch, clock } = build(
      3,
      async (device, { sudoPassword }, signal) => {
        seen.push(`${device.deviceId} ${sudoPassword?.reveal()}`);
        await clock.sleep(1000, signal);
        if (sudoPassword === undefined || device.record.row.attempt < 2)
          throw new EnrollmentError('DEVICE_SUDO_PASSWORD_NEEDED');
      },
      1,
    );
    const entered = (text: string) => ({ ...noSecrets, sudoPassword: new Secret(text) });
    batch.start();
    await clock.advance(1500);
    batch.retry(['board-1'], entered('canary-a'));
    await clock.run(batch.whenIdle());
    batch.retry(['board-2'], entered('canary-b'));
    batch.retry(['board-1', 'board-3'], noSecrets);
    await clock.run(batch.whenIdle());
    expect(seen).toEqual([
      ...['board-1 undefined', 'board-2 undefined', 'board-3 canary-a', 'board-1 canary-a'],
      ...['board-2 canary-b', 'board-3 canary-b'],
    ]);
  });

  it('takes a passphrase for all devices, also for those that have not begun', async () => {
    const seen: (string | undefined)[] = [];
    const { batch, clock, states } = build(
      3,
      async (_device, secrets) => {
        seen.push(secrets.keyPassphrase?.reveal());
        if (secrets.keyPassphrase === undefined) throw new EnrollmentError('STATION_KEY_PASSPHRASE_NEEDED');
        await clock.sleep(1000, new AbortController().signal);
      },
      1,
    );
    batch.start();
    batch.retry([], { ...noSecrets, keyPassphrase: new Secret('canary-passphrase') });
    await clock.run(batch.whenIdle());
    batch.retry(['board-1'], noSecrets);
    await clock.run(batch.whenIdle());
    expect(seen).toEqual([undefined, 'canary-passphrase', 'canary-passphrase', 'canary-passphrase']);
    expect(states()).toEqual(['enrolled', 'enrolled', 'enrolled']);
  });

  it('stands by a device’s outcome when it cannot be journaled, and says so in the log', async () => {
    const { batch, clock, journal, logger, states } = build(1, async () => undefined);
    journal.refusesWrites = true;
    batch.start();
    await clock.run(batch.whenIdle());
    expect(states()).toEqual(['enrolled']);
    expect(logger.events('error')).toEqual(Array.from({ length: 3 }, () => 'run-not-recorded'));
  });

  it('is idle at once when nothing is left', async () => {
    const { batch } = build(1, async () => undefined);
    batch.start();
    await settled();
    await expect(batch.whenIdle()).resolves.toBeUndefined();
    batch.stop();
    expect(batch.view.state).toBe('finished');
  });
});

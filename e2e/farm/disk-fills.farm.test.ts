import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectEnrolled } from './device-truth.ts';
import { type FarmDevice, farmAvailable, type Suite, startFarmDevice } from './farm.ts';
import { logOf, putOnBench } from './farm-bench.ts';
import { stationAddress } from './lan.ts';

/** A file of the enrollment, and the small file system it is written to. */
interface Target {
  readonly suite: Suite;
  readonly stepId: string;
  readonly file: string;
  readonly place: string;
  readonly sizeMb: number;
  /** The temporary file at which the disk gets full, counted among those of this folder. */
  readonly nth: number;
  /** What is left then: the write begins, and ends in the middle. */
  readonly leavesBytes: number;
}

const targets = {
  binary: {
    ...{ suite: 'bookworm', stepId: 'binary', file: '/usr/local/bin/fleet-agent' },
    ...{ place: '/usr/local/bin', sizeMb: 80, nth: 1, leavesBytes: 65_536 },
  },
  key: {
    ...{ suite: 'trixie', stepId: 'key-config', file: '/etc/fleet-agent/zitadel-key.json' },
    ...{ place: '/etc/fleet-agent', sizeMb: 4, nth: 1, leavesBytes: 0 },
  },
  config: {
    ...{ suite: 'bookworm', stepId: 'key-config', file: '/etc/fleet-agent/config.toml' },
    ...{ place: '/etc/fleet-agent', sizeMb: 4, nth: 2, leavesBytes: 0 },
  },
} as const satisfies Record<string, Target>;
type Name = keyof typeof targets;
const names = Object.keys(targets) as Name[];

const counter = '/run/disk-fills';

/** Gives the place a small file system of its own. */
const smallDisk = ({ place, sizeMb }: Target): string =>
  `mkdir -p ${place}; mount -t tmpfs -o size=${sizeMb}m,mode=755 small-disk ${place}`;

/**
 * A program before mktemp(1) on every PATH: once the nth temporary file of ours is there, and before a byte is written
 * to it, another process takes the space.
 */
const fillsAt = ({ place, nth, leavesBytes }: Target): string => `cat > /usr/local/sbin/mktemp <<'END'
#!/bin/sh
t=$(/usr/bin/mktemp "$@") || exit
case "$t" in
  ${place}/.fleet-agent.new.*)
    echo x >> ${counter}
    if [ "$(grep -c x ${counter})" = ${nth} ]; then
      cat /dev/zero > ${place}/of-others 2>/dev/null
      truncate -s -${leavesBytes} ${place}/of-others
    fi
    ;;
esac
echo "$t"
END
chmod 755 /usr/local/sbin/mktemp; rm -f ${counter}`;

const frees = ({ place }: Target): string => `rm ${place}/of-others /usr/local/sbin/mktemp`;

/** Nothing half written, no lock. A pair that was never put in place waits in /run for the next run to clear it away. */
const leftovers = `find /usr/local/bin /etc/fleet-agent \\( -name '.*.new.*' -o -name '*.new' \\)
flock -n /run/fleet-agent.lock true || echo locked`;

describe.skipIf(!farmAvailable().ok)('a disk that gets full while a file of an enrollment is written', () => {
  const signal = AbortSignal.timeout(1_800_000);
  const devices = new Map<Name, FarmDevice>();
  let fixture: LabFixture;

  const deviceOf = (name: Name): FarmDevice => {
    const device = devices.get(name);
    if (device === undefined) throw new Error(`There is no device for ${name}.`);
    return device;
  };
  const idOf = (name: Name): string => `full-${name}`;
  async function inside(name: Name, command: string): Promise<string> {
    const { code, stdout, stderr } = await deviceOf(name).exec(command, { limitMs: 120_000 });
    expect(code, `${name}: ${stderr}`).toBe(0);
    return stdout.trim();
  }
  const onEach = (act: (name: Name) => Promise<unknown>) => Promise.all(names.map(act));
  const liveKeysOf = (name: Name): readonly string[] => {
    const { users, keys } = fixture.lab.identity.inspect();
    const user = users.find((one) => one.live && one.userName === `device-${idOf(name)}`);
    return keys.filter((key) => key.live && key.userId === user?.id).map((key) => key.id);
  };
  const heldKey = (name: Name): Promise<string> =>
    inside(name, `sed -n 's/.*"keyId" *: *"\\([0-9]*\\)".*/\\1/p' /etc/fleet-agent/zitadel-key.json`);

  async function expectDiskFull(name: Name): Promise<void> {
    const { stepId, place } = targets[name];
    const log = await logOf(fixture, idOf(name));
    const { error, state } = fixture.row(idOf(name));
    expect(state, log).toBe('failed');
    expect(error, `${JSON.stringify(error)}\n${log}`).toMatchObject({
      ...{ code: 'DEVICE_DISK_FULL', stepId, retry: 'after-fix' },
      says: expect.stringContaining(place),
      operatorDoes: expect.stringContaining('Free space'),
      evidence: expect.stringContaining('No space left on device'),
    });
    expect(await inside(name, `ls ${place}/of-others`)).toBe(`${place}/of-others`);
    expect(await inside(name, leftovers)).toBe('');
  }

  beforeAll(async () => {
    [fixture] = await Promise.all([
      startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 300 }),
      ...names.map(async (name) => {
        const { suite } = targets[name];
        devices.set(name, await startFarmDevice({ name: idOf(name), suite, packages: 'installed' }));
      }),
    ]);
    await onEach((name) => inside(name, `set -e; ${smallDisk(targets[name])}; ${fillsAt(targets[name])}`));
    const rows = names.map((name) => ({ deviceId: idOf(name), device: deviceOf(name) }));
    await putOnBench(fixture, rows, { signal });
    await fixture.station.enrollAll();
  }, 900_000);
  afterAll(async () => {
    await fixture?.stop();
    await Promise.all([...devices.values()].map((device) => device.stop()));
  });

  test.each(names)('is told with what to do, and leaves no part of it: %s', async (name) => {
    await expectDiskFull(name);
    expect(await inside(name, `ls ${targets[name].file} 2>/dev/null || true`)).toBe('');
  });

  test('leaves no key alive that its device does not hold', async () => {
    expect(liveKeysOf('binary')).toEqual([]);
    expect(liveKeysOf('key')).toEqual([]);
    // Here the key was in its place already, and the next run takes it as it is.
    expect(liveKeysOf('config')).toEqual([await heldKey('config')]);
  });

  test('is no trouble any more once there is space: the next run ends enrolled', async () => {
    const before = await heldKey('config');
    await onEach((name) => inside(name, frees(targets[name])));
    await fixture.station.enrollAll();
    for (const name of names) {
      const log = await logOf(fixture, idOf(name));
      expect(fixture.row(idOf(name)).state, log).toBe('enrolled');
      await expectEnrolled(deviceOf(name), idOf(name), fixture.lab);
      expect(await inside(name, 'ls /run/fleet-agent-* 2>/dev/null || true')).toBe('');
    }
    expect(await heldKey('config')).toBe(before);
  }, 600_000);

  test('leaves an agent at work with its key when the new key of a rotation does not fit', async () => {
    const { station } = fixture.station;
    const rotate = async (): Promise<void> => {
      const ours = station.state.bench.filter((row) => row.deviceId === idOf('key'));
      await station.handle('batch.start', { rowIds: ours.map((row) => row.rowId), rotateKeys: true });
      await station.whenBatchIdle();
    };
    const look =
      'sha256sum /etc/fleet-agent/*.*; systemctl show fleet-agent -p MainPID -p NRestarts -p ActiveState';
    const [before, state] = [await heldKey('key'), await inside('key', look)];
    await inside('key', fillsAt(targets.key));
    await rotate();
    await expectDiskFull('key');
    expect(liveKeysOf('key')).toEqual([before]);
    expect(await inside('key', look)).toBe(state);
    await inside('key', frees(targets.key));
    await rotate();
    expect(fixture.row(idOf('key')).state, await logOf(fixture, idOf('key'))).toBe('enrolled');
    await expectEnrolled(deviceOf('key'), idOf('key'), fixture.lab);
    expect(await heldKey('key')).not.toBe(before);
  }, 600_000);
});

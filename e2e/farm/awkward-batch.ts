import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'smol-toml';
import { expect } from 'vitest';
import { capture } from '../../scripts/setup/processes.mjs';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectJournalClean, type JournalMark, markJournal } from './device-journal.ts';
import { type FarmDevice, type FarmDeviceRequest, startFarmDevice } from './farm.ts';
import { stationAddress } from './lan.ts';

/** A device of a batch, and what is done to it before the station comes. */
export interface AwkwardDevice extends Omit<FarmDeviceRequest, 'name'> {
  /** Shell, as root on the device. */
  readonly before?: string;
  /** Shell, as root on the device, that ends what the station waits for, once the board has shown that it does. */
  readonly onceShown?: { readonly text: string; readonly run: string };
  /** How its target is written; by its IPv4 address unless told otherwise. */
  readonly over?: 'ipv6';
}

/** Devices that were enrolled in one batch of one station, each awkward in its own way. */
export interface AwkwardBatch<Name extends string> {
  readonly fixture: LabFixture;
  device(name: Name): FarmDevice;
  /** Runs shell as root on a device, past SSH. */
  inside(name: Name, command: string): Promise<string>;
  row(name: Name): ReturnType<LabFixture['row']>;
  /** What the board has shown for a device, in the order it was shown. */
  shown(name: Name): string;
  liveKeys(name: Name): readonly string[];
  expectEnrolled(name: Name): Promise<void>;
  /** It failed with this code, tells cause and remedy, and holds nothing half done: no temporary file, no key, no lock. */
  expectRefused(name: Name, code: string): Promise<void>;
  stop(): Promise<void>;
}

/** Ends what hangs, also on a computer that has much else to do. */
const limitMs = 120_000;

const managed = [
  '/usr/local/bin/fleet-agent',
  '/etc/fleet-agent/zitadel-key.json',
  '/etc/fleet-agent/config.toml',
  '/etc/systemd/system/fleet-agent.service',
];
const rights = ['root:root 755', 'fleet-agent:fleet-agent 640', 'root:root 644', 'root:root 644'];

const finalState = `stat -c '%F, %U:%G %a' ${managed.join(' ')}
systemctl is-enabled fleet-agent; systemctl is-active fleet-agent
loginctl show-user fleet-agent -p Linger --value
agent() { runuser -u fleet-agent -- env XDG_RUNTIME_DIR=/run/user/$(id -u fleet-agent) systemctl --user "$@"; }
agent is-enabled podman.socket; agent is-active podman.socket
systemctl show fleet-agent -p User --value
systemctl show fleet-agent -p ExecStart --value | grep -o 'argv[^;]*'`;

/**
 * What must never be left: temporary files of ours, a key or a login that waits, a mark that says the agent is yet to be
 * started anew, a held lock. A pair that waits for its key id may stay where the provider fails, and the mark where a
 * change was begun: neither is so for what is refused before its first change, or in the packages.
 */
const leftovers = `find /usr/local/bin /etc /var/lib/fleet-agent -xdev -name '.fleet-agent.new.*' 2>/dev/null
find /run -maxdepth 1 \\( -name 'fleet-agent-key.*.pem' -o -name 'fleet-agent-login.*' \\)
find /etc/fleet-agent \\( -name enrollment-epoch.new -o -name .restart-needed \\) 2>/dev/null
flock -n /run/fleet-agent.lock true || { [ ! -e /run/fleet-agent.lock ] || echo locked; }`;

/** Boots the devices side by side, prepares them, and enrolls all of them in one batch. */
export async function enrollAwkward<Name extends string>(
  wanted: Readonly<Record<Name, AwkwardDevice>>,
  signal: AbortSignal,
): Promise<AwkwardBatch<Name>> {
  const names = Object.keys(wanted) as Name[];
  const devices = new Map<Name, FarmDevice>();
  const marks = new Map<Name, JournalMark>();
  let fixture: LabFixture | undefined;
  const stop = async (): Promise<void> => {
    await fixture?.stop();
    await Promise.all([...devices.values()].map((device) => device.stop()));
  };
  const deviceOf = (name: Name): FarmDevice => {
    const device = devices.get(name);
    if (device === undefined) throw new Error(`There is no device ${name}.`);
    return device;
  };
  const inside = async (name: Name, command: string): Promise<string> =>
    (await deviceOf(name).exec(command, { limitMs })).stdout.trim();
  const goOnOnceShown = async (name: Name, ended: Promise<void>): Promise<void> => {
    const { onceShown }: AwkwardDevice = wanted[name];
    if (onceShown === undefined || fixture === undefined) return;
    const isShown = fixture.station.until(
      ({ rows }) => JSON.stringify(rows[name]?.steps ?? []).includes(onceShown.text),
      signal,
    );
    // A batch that has ended shows nothing more: the test will say what it lacks.
    await Promise.race([isShown, ended]);
    await prepare(deviceOf(name), onceShown.run);
  };
  try {
    const booted = await Promise.allSettled(
      names.map(async (name) => {
        const {
          before: _before,
          onceShown: _onceShown,
          over: _over,
          ...request
        }: AwkwardDevice = wanted[name];
        devices.set(name, await startFarmDevice({ name, ...request }));
      }),
    );
    for (const result of booted) if (result.status === 'rejected') throw result.reason;
    fixture = await startLabFixture([], {
      ...{ host: stationAddress, heartbeatLimitSeconds: 300, concurrency: names.length },
    });
    const keyFile = await oneKeyForAll([...devices.values()]);
    const profile = parse(await readFile(fixture.lab.profilePath, 'utf8'));
    const bench = names.map((name) => ({
      ...{ device_id: name, target: targetOf(deviceOf(name), wanted[name]) },
    }));
    const ssh = { user: 'pi', private_key_file: keyFile };
    await writeFile(fixture.lab.profilePath, stringify({ ...profile, ssh, bench }));
    await fixture.restart();
    await fixture.station.signIn(signal);
    await Promise.all(names.map((name) => prepare(deviceOf(name), wanted[name].before ?? ':')));
    await Promise.all(names.map(async (name) => marks.set(name, await markJournal(deviceOf(name)))));
    const ended = fixture.station.enrollAll();
    await Promise.all(names.map((name) => goOnOnceShown(name, ended)));
    await ended;
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  const { lab, row, published } = fixture;
  const liveKeys = (name: Name): readonly string[] => {
    const { users, keys } = lab.identity.inspect();
    const user = users.find(({ userName }) => userName === `device-${name}`);
    return keys.filter((key) => key.live && key.userId === user?.id).map((key) => key.id);
  };
  return {
    ...{ fixture, device: deviceOf, inside, row, liveKeys, stop },
    shown: (name) =>
      published()
        .split('\n')
        .filter((line) => line.includes(`"${name}"`))
        .join('\n'),
    expectEnrolled: async (name) => {
      const { error, state, roundTrips } = row(name);
      const why = `${JSON.stringify(error)}\n${await inside(name, 'journalctl -u fleet-agent -n 15 --no-pager -o cat')}`;
      expect(state, why).toBe('enrolled');
      expect((await inside(name, finalState)).split('\n')).toEqual(
        [
          ...rights.map((right) => `regular file, ${right}`),
          ...['enabled', 'active', 'yes', 'enabled', 'active', 'fleet-agent'],
          'argv[]=/usr/local/bin/fleet-agent --config /etc/fleet-agent/config.toml ',
        ].map((line) => line.trim()),
      );
      expect(await inside(name, leftovers)).toBe('');
      const held = await inside(name, 'grep -o \'"keyId": *"[^"]*"\' /etc/fleet-agent/zitadel-key.json');
      expect(liveKeys(name)).toEqual([/"([^"]*)"$/.exec(held)?.[1]]);
      expect(roundTrips).toBeGreaterThan(0);
      const mark = marks.get(name);
      if (mark === undefined) throw new Error(`Nobody has looked at the journal of ${name}.`);
      await expectJournalClean(deviceOf(name), mark);
    },
    expectRefused: async (name, code) => {
      const { error, state } = row(name);
      expect(state).toBe('failed');
      const why = JSON.stringify(error);
      expect(error, why).toMatchObject({
        code,
        title: expect.stringMatching(/\w/),
        stepId: expect.any(String),
      });
      // What happened, why, and what to do, as sentences; a value that nobody gave would read `unknown`.
      for (const part of ['says', 'cause', 'operatorDoes'] as const) {
        expect(error?.[part], why).toMatch(/^\S.*\w.*[.!)]$/s);
        expect(error?.[part], why).not.toMatch(/\bunknown\b|\bundefined\b|\{\w+\}/);
      }
      expect(['now', 'after-fix'], why).toContain(error?.retry);
      expect(await inside(name, leftovers)).toBe('');
      expect(liveKeys(name)).toEqual([]);
    },
  };
}

/** A device that is only said to be awkward proves nothing. */
async function prepare(device: FarmDevice, command: string): Promise<void> {
  const done = await device.exec(`set -e\n${command}`, { limitMs });
  if (done.code !== 0) throw new Error(`${device.name} could not be prepared: ${done.stderr}`);
}

function targetOf(device: FarmDevice, { over }: AwkwardDevice): string {
  const { user, address, addressV6, sshPort } = device;
  const port = sshPort === 22 ? '' : `:${sshPort}`;
  return `ssh://${user}@${over === 'ipv6' ? `[${addressV6}]` : address}${port}`;
}

/** A station has one key. The first device that cannot be written to keeps its own, and the others get it. */
async function oneKeyForAll(devices: readonly FarmDevice[]): Promise<string> {
  const first = devices.find(({ conditions }) => conditions.includes('read-only-root')) ?? devices[0];
  if (first === undefined) throw new Error('There is no device.');
  const { stdout } = await capture('ssh-keygen', ['-y', '-f', first.privateKeyFile], { limitMs });
  for (const device of devices)
    if (device !== first)
      await device.exec(`echo '${stdout.trim()}' >> ~${device.user}/.ssh/authorized_keys`);
  return first.privateKeyFile;
}

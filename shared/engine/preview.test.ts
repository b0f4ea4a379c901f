import { beforeEach, describe, expect, it } from 'vitest';
import { binaryPath, configPath, keyPath } from '../device/paths.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { Secret } from '../model/secret.ts';
import { parseTarget } from '../model/target.ts';
import { buildProfile, deviceId } from '../testing/builders.ts';
import { enrollOnce } from '../testing/enroll-once.ts';
import type { FakeDevice } from '../testing/fake-device.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import {
  type EnrollmentPreview,
  type PreviewAction,
  type PreviewInput,
  previewEnrollment,
} from './preview.ts';

let world: FakeWorld;
let device: FakeDevice;
beforeEach(() => {
  world = createFakePorts();
  device = world.addDevice('board-01', 'board.local');
});

function preview(changes: Partial<PreviewInput> = {}): Promise<EnrollmentPreview> {
  const ports = world.ports();
  const profile = buildProfile();
  const tokens = { accessToken: async () => new Secret('canary-token') };
  const target = parseTarget('ssh://pi@board.local');
  if (!target.ok) throw new Error(target.says);
  return world.clock.run(
    previewEnrollment({
      ...{ ports, profile, tokens, target: target.target, labels: profile.labels },
      ...{ deviceId: deviceId('board-01'), credential: { user: 'pi' }, sudoPassword: undefined },
      ...{ identity: ports.createIdentityProvider(profile, tokens), signal: new AbortController().signal },
      ...changes,
    }),
  );
}

const actions = ({ steps }: EnrollmentPreview): readonly PreviewAction[] =>
  steps.flatMap((step) => step.actions);
const shown = (seen: EnrollmentPreview, ...kinds: PreviewAction['kind'][]): string[] =>
  actions(seen)
    .filter((action) => kinds.includes(action.kind))
    .map((action) => action.shows);

/** Everything that an act could change, on the device and at the provider. */
function everything(): unknown {
  const { identity, journal } = world;
  return structuredClone({
    device: device.snapshot,
    done: device.done,
    counts: [device.uploads, device.restarts],
    identity: [[...identity.users], [...identity.grants], [...identity.keys]],
    journal: [[...journal.intents], [...journal.hostKeys], [...journal.boards], journal.runs],
  });
}

const lost = (exchange: number, when: 'before' | 'after' | number) => async () => {
  device.faults.push({ exchange, when, kind: 'lost' });
  await enrollOnce(world, 'board.local');
};

/** Ways a device can have come to where it is. */
const states: [string, () => unknown][] = [
  ['fresh', () => undefined],
  ['enrolled', () => enrollOnce(world, 'board.local')],
  [
    'with another binary and a stopped unit',
    async () => {
      await enrollOnce(world, 'board.local');
      device.files.set(binaryPath, { content: 'old', rights: '755:0:0' });
      device.unit.active = false;
    },
  ],
  [
    'with a key others can read and another config',
    async () => {
      await enrollOnce(world, 'board.local');
      const key = device.files.get(keyPath);
      if (key) device.files.set(keyPath, { ...key, rights: '644:0:0' });
      device.files.set(configPath, { content: 'old', rights: '644:0:0' });
    },
  ],
  [
    'whose key was lost, with the old one still alive',
    async () => {
      await enrollOnce(world, 'board.local');
      device.files.delete(keyPath);
    },
  ],
  [
    'whose grant was taken away',
    async () => {
      await enrollOnce(world, 'board.local');
      world.identity.grants.clear();
    },
  ],
  ['cut off in the packages', lost(2, 1)],
  ['cut off at the upload', lost(3, 'after')],
  ['cut off before the key', lost(4, 'before')],
  ['cut off while it takes the key', lost(4, 2)],
  ['cut off before the second look', lost(5, 'before')],
  [
    'whose key was minted, and neither came back nor could be deleted',
    async () => {
      world.identity.failNext('mintKey', 'after');
      world.identity.failNext('deleteKey', 'before');
      await enrollOnce(world, 'board.local');
    },
  ],
];

describe.each(states)('a device %s', (_state, bring) => {
  it('is looked at without a change, and then exactly that happens', async () => {
    await bring();
    const before = everything();
    const calls = world.identity.calls.length;
    const sessions = device.openSessions;
    const seen = await preview();
    expect(everything()).toEqual(before);
    const asked = new Set(world.identity.calls.slice(calls));
    for (const call of asked) expect(['requireProject', 'findMachineUser', 'listKeys']).toContain(call);
    expect(device.openSessions).toBe(sessions);

    device.faults.length = 0;
    const doneBefore = device.done.length;
    const keysBefore = [...world.identity.keys.values()].flatMap((keys) => [...keys]);
    const createdBefore = world.identity.created;
    const exchangesBefore = device.exchanges;
    const callsBefore = world.identity.calls.length;
    const run = await enrollOnce(world, 'board.local');
    expect(run.error).toBeUndefined();
    expect(shown(seen, 'command', 'upload')).toEqual(device.done.slice(doneBefore));
    const looks = 1 + (seen.trips > 0 ? 1 : 0);
    expect(device.exchanges - exchangesBefore).toBe(seen.trips + looks);
    const made = world.identity.calls.slice(callsBefore);
    expect(shown(seen, 'mint-key')).toHaveLength(made.filter((call) => call === 'mintKey').length);
    expect(shown(seen, 'identity')).toHaveLength(world.identity.created - createdBefore);
    const gone = keysBefore.filter((keyId) => !world.identity.isLive(keyId));
    expect(actions(seen).flatMap((action) => (action.kind === 'delete-key' ? [action.keyId] : []))).toEqual(
      gone,
    );
    const mutations = made.filter((call) => call === 'mintKey' || call === 'deleteKey').length;
    expect(seen.changes).toBe(
      device.done.length > doneBefore || mutations > 0 || world.identity.created > createdBefore,
    );

    const again = await preview();
    expect(again.changes).toBe(false);
    expect(again.hostKeyIsPinned).toBe(true);
    expect(shown(again, 'wait-for-heartbeat')).toEqual(['wait for a heartbeat of board-01']);
  });
});

describe('a preview', () => {
  it('holds the scripts that run, and no secret', async () => {
    const seen = await preview();
    const scripts = actions(seen).flatMap((action) => (action.kind === 'command' ? [action.script] : []));
    expect(scripts.filter((script) => script === undefined)).toHaveLength(1);
    expect(scripts.filter((script) => script?.includes('apt-get'))).toHaveLength(1);
    expect(JSON.stringify(seen)).not.toContain('canary');
    expect(seen).toMatchObject({
      architecture: 'aarch64',
      hostKeyFingerprint: 'SHA256:first',
      hostKeyIsPinned: false,
    });
  });

  it('says what would stop the enrollment, with the same error', async () => {
    const table: [Partial<FakeDevice>, string][] = [
      [{ osVersion: '11' }, 'DEVICE_UNSUPPORTED'],
      [{ clockOffsetSeconds: -4000 }, 'DEVICE_CLOCK_OFF'],
      [{ freeKib: 1000 }, 'DEVICE_DISK_FULL'],
      [{ elevation: 'sudo-password' }, 'DEVICE_SUDO_PASSWORD_NEEDED'],
      [{ hostKey: 'SHA256:other' }, 'DEVICE_HOST_KEY_CHANGED'],
    ];
    for (const [change, code] of table) {
      world = createFakePorts();
      world.journal.pinHostKey('board.local', { fingerprint: 'SHA256:first', keyType: undefined });
      device = Object.assign(world.addDevice('board-01', 'board.local'), change);
      await expect(preview()).rejects.toMatchObject({ code });
      expect(device.openSessions).toBe(0);
      expect((await enrollOnce(world, 'board.local')).error?.code).toBe(code);
    }
  });

  it('says at once that the id was given to another board, and what a take-over would take', async () => {
    const first = Object.assign(device, { serial: '1001' });
    await enrollOnce(world, 'board.local');
    const held = device.keyId;
    const other = { serial: '1002', hostKey: 'SHA256:second' };
    device = Object.assign(world.addDevice('board-01', 'other.local'), other);
    // It came with a copy of the card, and of the key on it.
    for (const [path, file] of first.files) device.files.set(path, file);
    const target = parseTarget('ssh://pi@other.local');
    if (!target.ok) throw new Error(target.says);
    const [before, startedAt] = [everything(), world.clock.monotonicMs()];
    await expect(preview({ target: target.target })).rejects.toMatchObject({
      ...{ code: 'DEVICE_ID_OF_OTHER_BOARD' },
      details: { other: 'the board at ssh://pi@board.local with serial number 1001' },
    });
    const seen = await preview({ target: target.target, takeOver: true });
    expect(seen.takesOver).toMatch(/^the board at .* with serial number 1001 since \d{4}-\d\d-\d\d$/);
    expect(seen.changes).toBe(true);
    expect(shown(seen, 'mint-key')).toHaveLength(1);
    expect(shown(seen, 'delete-key')).toEqual([expect.stringContaining(`delete machine key ${held}`)]);
    expect(everything()).toEqual(before);
    expect(world.clock.monotonicMs() - startedAt).toBeLessThan(5_000);
    expect((await preview()).takesOver).toBeUndefined();
  });

  it.each([
    ['lately by another board', 10_000, { hostname: 'old-board' }, 'old-board at 10.0.0.7'],
    ['by another board, long ago', 46_000, { hostname: 'old-board' }, undefined],
    ['by this board, with a key it has lost', 10_000, {}, undefined],
  ])('says what was heard under the id %s', async (_what, agoMs, about, said) => {
    await enrollOnce(world, 'board.local');
    const [before, heartbeats] = [everything(), { hostname: device.deviceId, addresses: ['10.0.0.7'] }];
    const heard = {
      ...{ deviceId: 'board-01', keyId: 'another', revision: 1, labels: {}, ...heartbeats, ...about },
      receivedAt: world.clock.nowMs() - agoMs,
    };
    const startedAt = world.clock.monotonicMs();
    const seen = await preview({ heard });
    expect([seen.mayBeAlive, seen.changes]).toEqual([said, false]);
    expect(everything()).toEqual(before);
    expect(world.clock.monotonicMs() - startedAt).toBeLessThan(5_000);
    expect((await preview()).mayBeAlive).toBeUndefined();
  });

  it('looks with the sudo password, and ends with its signal', async () => {
    device.elevation = 'sudo-password';
    const seen = await preview({ sudoPassword: new Secret(device.sudoPassword) });
    expect(seen.changes).toBe(true);
    const stop = new AbortController();
    stop.abort(new EnrollmentError('STATION_BUSY'));
    await expect(preview({ signal: stop.signal })).rejects.toMatchObject({ code: 'STATION_BUSY' });
  });

  it('says that heartbeats are not checked where there is no NATS', async () => {
    const seen = await preview({ profile: buildProfile({ nats: undefined }) });
    expect(seen.steps.at(-1)).toMatchObject({ id: 'heartbeat', state: 'skipped' });
  });
});

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFileJournal } from '#shared/adapters/journal/file-journal.ts';
import type { KeyIntent } from '#shared/engine/ports.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { KilledRuns, type Moment, requests } from './killed-run.ts';
import { bundledCli, type CliRun, operatorToken, runCli } from './run-cli.ts';

/** What a killed station leaves, and what the next run of it makes of that. One device after the other's death. */
describe('a station that is killed in the middle of an act', () => {
  const killed = new KilledRuns();
  let fixture: LabFixture;
  let token: string;
  let state: string;

  beforeAll(async () => {
    fixture = await startLabFixture([{ name: 'killed-01' }], { identityFaults: killed.faults });
    await bundledCli();
    state = path.join(fixture.dir, 'cli-state');
    token = await operatorToken(fixture.lab.profilePath, fixture.dir, unlessItHangs());
    await expectRun(cli('enroll', ...enrollment()));
  });
  afterAll(async () => {
    await fixture?.stop();
  });

  const common = (): string[] => ['--profile', fixture.lab.profilePath, '--state-dir', state, '--json'];
  const env = () => ({ env: { MUSTER_ADMIN_TOKEN: token } });
  const cli = (...args: readonly string[]): Promise<CliRun> => runCli([...args, ...common()], env());
  const dies = (moment: Moment, ...args: readonly string[]): Promise<CliRun> =>
    killed.run([...args, ...common()], moment, env());
  const expectRun = async (running: Promise<CliRun>): Promise<CliRun> => {
    const run = await running;
    expect(run.status, run.stderr + run.stdout).toBe(0);
    return run;
  };
  const target = (): string[] => {
    const [device] = fixture.lab.devices;
    return ['--target', `ssh://${device?.user}@${device?.host}:${device?.port}`];
  };
  const enrollment = (): string[] => [...target(), '--device-id', 'killed-01'];
  const onDevice = (file: string): string => path.join(fixture.lab.devices[0]?.root ?? '', file);
  const keyFile = (): string => onDevice('etc/fleet-agent/zitadel-key.json');
  const heldKey = (): string | undefined => {
    try {
      return (JSON.parse(readFileSync(keyFile(), 'utf8')) as { keyId: string }).keyId;
    } catch {
      return undefined;
    }
  };
  const live = () => {
    const { users, grants, keys } = fixture.lab.identity.inspect();
    const ours = users.filter((user) => user.userName === 'device-killed-01' && user.live);
    const isOurs = (one: { live: boolean; userId: string }): boolean =>
      one.live && ours.some((user) => user.id === one.userId);
    return {
      users: ours.length,
      grants: grants.filter(isOurs).length,
      keys: keys.filter(isOurs).map(({ id }) => id),
    };
  };
  const expiryOf = (keyId: string): number | undefined =>
    fixture.lab.identity.inspect().keys.find(({ id }) => id === keyId)?.expiresAt;
  /** Keys of users that are gone, too. */
  const allLiveKeys = (): string[] =>
    fixture.lab.identity
      .inspect()
      .keys.filter((key) => key.live)
      .map(({ id }) => id);
  /** What the station's journal still has to settle. */
  const open = (): readonly KeyIntent[] => {
    const { issuer, projectId } = fixture.lab.identity;
    return readFileJournal(state).unsettledKeyIntents({ issuer, projectId });
  };
  const heardWith = async (): Promise<string | undefined> => {
    const run = await expectRun(cli('devices'));
    return run.events('heartbeat').find((beat) => beat.deviceId === 'killed-01')?.keyId;
  };

  const beforeIt = (when: (typeof requests)['makesKey']): Moment => ({ when, effect: 'before' });
  const afterIt = (when: (typeof requests)['makesKey']): Moment => ({ when, effect: 'after' });
  const rotation: readonly (readonly [string, () => Moment])[] = [
    ['before the new key is registered', () => beforeIt(requests.makesKey)],
    ['once it is, and nobody has heard of it', () => afterIt(requests.makesKey)],
    ['before the device has logged in with it', () => beforeIt(requests.provesKey())],
    ['once it has', () => afterIt(requests.provesKey())],
    ['once it is in its place', () => ({ changed: keyFile() })],
    ['before the old key is deleted', () => beforeIt(requests.deletesKey)],
    ['once that is deleted', () => afterIt(requests.deletesKey)],
  ];

  /** What comes next in turns; `MUSTER_ALL=1` has either after each. */
  const nexts = ['rotate', 'enroll'] as const;
  describe.each(nexts)('a rotation, followed by %s', (next) => {
    const isItsTurn = (index: number): boolean =>
      process.env.MUSTER_ALL === '1' || nexts[index % nexts.length] === next;
    test.each(rotation.filter((_moment, index) => isItsTurn(index)))('%s', async (_when, moment) => {
      const held = heldKey();
      const run = await dies(moment(), 'rotate', 'killed-01', ...target());
      expect(run.status, run.stderr + run.stdout).toBeNull();
      // Whatever happened: the device holds a key that logs in, and the journal knows of every other live one.
      expect(live().keys).toContain(heldKey());
      const entries = open();
      const named = entries.flatMap(({ keyId, keyIdsBefore }) => [keyId, ...keyIdsBefore]);
      const unnamed = live().keys.filter((keyId) => keyId !== heldKey() && !named.includes(keyId));
      // One whose reply was lost is known by the expiry it was asked for.
      const askedFor = entries.filter(({ keyId }) => keyId === undefined).map(({ expiresAt }) => expiresAt);
      for (const keyId of unnamed) expect(askedFor, JSON.stringify(entries)).toContain(expiryOf(keyId));

      await expectRun(
        next === 'rotate' ? cli('rotate', 'killed-01', ...target()) : cli('enroll', ...enrollment()),
      );
      expect(live()).toEqual({ users: 1, grants: 1, keys: [heldKey()] });
      if (next === 'rotate') expect(heldKey()).not.toBe(held);
      expect(await heardWith()).toBe(heldKey());
      // What was asked for and never made is believed not to be there after a minute only.
      expect(open().filter(({ keyId }) => keyId !== undefined)).toEqual([]);
    });
  });

  test.each([
    ['before its key is deleted', () => beforeIt(requests.deletesKey)],
    ['once that is deleted', () => afterIt(requests.deletesKey)],
    ['before its machine user is deleted', () => beforeIt(requests.deletesUser)],
    ['once that is deleted', () => afterIt(requests.deletesUser)],
    ['once its key file is gone', (): Moment => ({ changed: keyFile() })],
  ] as const)('a decommission, %s', async (_when, moment) => {
    const run = await dies(moment(), 'decommission', 'killed-01', ...target(), '--yes');
    expect(run.status, run.stderr + run.stdout).toBeNull();
    const done = await expectRun(cli('decommission', 'killed-01', ...target(), '--yes'));
    expect(done.events('decommission')[0]).toMatchObject({ state: 'done' });
    expect(live()).toEqual({ users: 0, grants: 0, keys: [] });
    expect(allLiveKeys()).toEqual([]);
    expect(open()).toEqual([]);
    for (const file of [
      'etc/fleet-agent',
      'usr/local/bin/fleet-agent',
      'etc/systemd/system/fleet-agent.service',
    ])
      expect(existsSync(onDevice(file)), file).toBe(false);
    await expectRun(cli('enroll', ...enrollment()));
    expect(live()).toEqual({ users: 1, grants: 1, keys: [heldKey()] });
  });
});

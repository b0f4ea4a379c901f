import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALIVE_FOR_MS } from '#shared/engine/id-in-use.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { bundledCli, type CliRun, operatorToken, runCli, shorterWait } from './run-cli.ts';

/** One id for two boards, the first of which is switched off: a process of its own for every command. */
describe('an id that was given to another board, on the lab', () => {
  let fixture: LabFixture;
  let token: string;

  beforeAll(async () => {
    fixture = await startLabFixture([{ name: 'first' }, { name: 'second' }]);
    await bundledCli();
    token = await operatorToken(fixture.lab.profilePath, fixture.dir, unlessItHangs());
  });
  afterAll(async () => {
    await fixture?.stop();
  });

  const board = (index: number) => {
    const device = fixture.lab.devices[index];
    if (device === undefined) throw new Error('No such board.');
    return { device, target: `ssh://${device.user}@${device.host}:${device.port}` };
  };
  const enroll = (index: number, ...more: readonly string[]): Promise<CliRun> =>
    runCli(
      [
        ...['enroll', '--target', board(index).target, '--device-id', 'press-07', '--json', ...more],
        ...['--profile', fixture.lab.profilePath, '--state-dir', path.join(fixture.dir, 'cli-state')],
      ],
      // A board that was switched off just now is listened for: that nothing comes is known sooner here.
      { env: { MUSTER_ADMIN_TOKEN: token, ...shorterWait(ALIVE_FOR_MS) } },
    );
  const mutations = () => JSON.stringify(fixture.lab.identity.inspect().mutations);
  const isTouched = (index: number) =>
    readdirSync(path.join(board(index).device.root, 'etc')).includes('fleet-agent');
  const serialOf = (run: CliRun) => /serial number (\w+)/.exec(run.stdout)?.[1];

  test('is refused by the dry run at once, while that board is alive, and taken over only in word', async () => {
    const first = await enroll(0);
    expect(first.status, first.stderr + first.stdout).toBe(0);
    const before = mutations();
    const dry = await enroll(1, '--dry-run');
    expect(dry.status, dry.stderr + dry.stdout).toBe(1);
    const [refused] = dry.events('error');
    expect(refused).toMatchObject({ deviceId: 'press-07', error: { code: 'DEVICE_ID_OF_OTHER_BOARD' } });
    expect(refused?.error.says).toContain(`the board at ${board(0).target} with serial number`);
    expect(refused?.error.operatorDoes).toContain('take the id over');
    const [seen] = (await enroll(1, '--dry-run', '--take-over')).events('preview');
    expect(seen).toMatchObject({ changes: true });
    expect(seen?.takesOver).toContain(`the board at ${board(0).target} with serial number ${serialOf(dry)}`);
    expect(seen?.mayBeAlive).toMatch(/^first/);
    const [own] = (await enroll(0, '--dry-run')).events('preview');
    expect([own?.changes, own?.takesOver, own?.mayBeAlive]).toEqual([false, undefined, undefined]);
    // A heartbeat is no condition: without NATS the record speaks alone, and that is said.
    const alone = await enroll(1, '--dry-run', '--take-over', '--nats-url', 'nats://127.0.0.1:1');
    expect(alone.events('preview')[0]?.takesOver).toBe(seen?.takesOver);
    expect(alone.stderr).toContain('Whether other boards are alive was not looked at.');
    expect([mutations(), isTouched(1)]).toEqual([before, false]);
  });

  test('is refused by an enrollment with nothing made or touched, and given with --take-over', async () => {
    await board(0).device.stop();
    const before = mutations();
    const refused = await enroll(1);
    expect(refused.status, refused.stderr + refused.stdout).toBe(1);
    expect(refused.events('device-ended')[0]?.error).toMatchObject({ code: 'DEVICE_ID_OF_OTHER_BOARD' });
    expect([mutations(), isTouched(1)]).toEqual([before, false]);
    const taken = await enroll(1, '--take-over');
    expect(taken.status, taken.stderr + taken.stdout).toBe(0);
    const keys = fixture.lab.identity.inspect().keys.filter((key) => key.live);
    expect(keys).toHaveLength(1);
    const again = await enroll(1);
    expect(again.status, again.stderr + again.stdout).toBe(0);
  });
});

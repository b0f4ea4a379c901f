import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { approveAsLabOperator } from '../lab/identity/operator-walk.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import {
  addressIn,
  addressInJson,
  all,
  approving,
  type EndedSignIn,
  endedSignIn,
  has,
  MidwayEnd,
  once,
  onTerminal,
} from './ended-sign-in.ts';
import { requests } from './killed-run.ts';
import { bundledCli, operatorToken, runCli } from './run-cli.ts';

const devices = ['hold-01', 'hold-02', 'hold-03'];

/** A session that the provider ends while devices of a batch are at work; every run is a process of its own. */
describe('a sign-in that ends in the middle of a batch of the command line', () => {
  const midway = new MidwayEnd();
  let fixture: LabFixture;
  let signIn: EndedSignIn;
  let manifest: string;

  beforeAll(async () => {
    fixture = await startLabFixture(
      devices.map((name) => ({ name })),
      { identityFaults: midway.faults },
    );
    await bundledCli();
    signIn = await endedSignIn(fixture);
    manifest = path.join(fixture.dir, 'hold.csv');
    const rows = fixture.lab.devices.map(
      ({ user, host, port }, place) => `${devices[place]},ssh://${user}@${host}:${port}`,
    );
    await writeFile(manifest, ['device_id,target', ...rows, ''].join('\n'));
  });
  afterAll(async () => {
    await fixture?.stop();
  });
  afterEach(async () => {
    // Every test begins with devices that lack their key.
    await reset();
  });

  const reset = async () => {
    for (const { root } of fixture.lab.devices)
      await writeFile(path.join(root, 'etc/fleet-agent/zitadel-key.json'), '{}').catch(() => undefined);
  };
  const liveUsers = () =>
    fixture.lab.identity
      .inspect()
      .users.filter((user) => user.live && devices.includes(user.userName.replace('device-', ''))).length;

  test('on a terminal shows a code below the board, and goes on with everything after one approval', async () => {
    await signIn.signInOnce();
    const before = signIn.asked();
    midway.at(requests.makesKey, devices.length, signIn.endSession);
    const run = await onTerminal(signIn.args('batch', manifest), { onOutput: once(addressIn, approving()) });
    expect(run.status, run.stdout).toBe(0);
    expect(signIn.asked() - before).toBe(1);
    expect(run.stdout).toContain('3 wait for a sign-in');
    expect(run.stdout).toContain('█');
    expect(run.stdout).toMatch(/3 of 3 enrolled in [^,]+, 0 failed, 3 had to wait for a sign-in/);
    expect(liveUsers()).toBe(3);
    // What stays on the screen is the board and the sums, without the code.
    expect(run.stdout.slice(run.stdout.lastIndexOf('\u001b[J'))).not.toContain('or open');
  });

  test('in a pipe tells the address as an event, each device that waits, and goes on', async () => {
    await signIn.signInOnce();
    const before = signIn.asked();
    const run = await runCli(signIn.args('batch', manifest, '--json'), {
      onOutput: all(
        once(has('"step":"connect","state":"done"'), signIn.endSession),
        once(addressInJson, approving()),
      ),
    });
    expect(run.status, run.stdout + run.stderr).toBe(0);
    expect(signIn.asked() - before).toBe(1);
    expect(run.events('sign-in')).toHaveLength(1);
    const waits = run.events('device-awaits-sign-in');
    const waited = waits.filter((one) => one.isWaiting).map((one) => one.deviceId);
    expect(waited.length).toBeGreaterThan(0);
    expect(
      waits
        .filter((one) => !one.isWaiting)
        .map((one) => one.deviceId)
        .sort(),
    ).toEqual(waited.sort());
    expect(run.events('summary')).toMatchObject([
      { total: 3, enrolled: 3, failed: 0, awaitedSignIn: waited.length },
    ]);
  });

  test('ends with 3 when nobody signs in before the limit, and a device waits in plain lines', async () => {
    await signIn.signInOnce();
    const before = signIn.asked();
    // All three wait when the time to sign in begins, however far apart they came that far.
    midway.at(requests.makesKey, devices.length, signIn.endSession);
    const run = await runCli(signIn.args('batch', manifest, '--wait-for-sign-in', '0.05'));
    expect(run.status, run.stdout + run.stderr).toBe(3);
    expect(signIn.asked() - before).toBe(1);
    expect(run.stdout).toMatch(/0\/3 {2}hold-0\d {2}\S+ s {2}waits for a sign-in/);
    expect(run.stdout).toMatch(/0 of 3 enrolled in [^,]+, 3 failed, 3 had to wait for a sign-in/);
    expect(run.stderr).toContain('wait 3 seconds for the next');
    expect(addressIn(run.stderr)).toContain(fixture.lab.identity.issuer);
  });

  test('asks no more once somebody has refused', async () => {
    await signIn.signInOnce();
    const before = signIn.asked();
    const run = await runCli(signIn.args('batch', manifest, '--json'), {
      onOutput: all(
        once(has('"signed-in"'), signIn.endSession),
        once(addressInJson, approving({ deny: true })),
      ),
    });
    expect(run.status, run.stdout + run.stderr).toBe(3);
    expect(signIn.asked() - before).toBe(1);
  });

  test('asks with another code when nobody has answered the first', async () => {
    await signIn.signInOnce();
    const before = signIn.asked();
    let isEnded = false;
    let codes = 0;
    const run = await runCli(signIn.args('batch', manifest, '--json'), {
      onOutput: ({ text }) => {
        if (!isEnded && text.includes('"signed-in"')) {
          isEnded = true;
          signIn.endSession();
        }
        const found = [...text.matchAll(/"completeUrl":"([^"]+)"/g)];
        if (found.length === codes) return;
        codes = found.length;
        if (codes === 1) fixture.lab.identity.control.expireDeviceCodes();
        else
          void approveAsLabOperator({
            verificationUriComplete: found.at(-1)?.[1] ?? '',
            signal: unlessItHangs(),
          });
      },
    });
    expect(run.status, run.stdout + run.stderr).toBe(0);
    expect(signIn.asked() - before).toBe(2);
  });

  test('asks nobody with a limit of 0', async () => {
    await signIn.signInOnce();
    const before = signIn.asked();
    const run = await runCli(signIn.args('batch', manifest, '--wait-for-sign-in', '0', '--json'), {
      onOutput: once(has('"signed-in"'), signIn.endSession),
    });
    expect(run.status, run.stdout).toBe(3);
    expect(signIn.asked()).toBe(before);
    expect(run.events('device-ended')[0]?.error?.code).toMatch(/^IDENTITY_(SESSION_ENDED|NOT_SIGNED_IN)$/);
    const words = await runCli(signIn.args('batch', manifest, '--wait-for-sign-in', 'long'));
    expect(words.status).toBe(2);
  });

  test('fails a token that was handed in with its own code, and asks nobody', async () => {
    const token = await operatorToken(fixture.lab.profilePath, fixture.dir, unlessItHangs());
    const before = signIn.asked();
    const run = await runCli(signIn.args('batch', manifest, '--json'), {
      env: { MUSTER_ADMIN_TOKEN: token },
      onOutput: once(has('"signed-in"'), signIn.endSession),
    });
    expect(run.status, run.stdout).toBe(3);
    expect(signIn.asked()).toBe(before);
    const codes = run.events('device-ended').map((ended) => ended.error?.code);
    expect(codes).toEqual(Array(3).fill('IDENTITY_TOKEN_REFUSED'));
    expect(run.events('device-awaits-sign-in')).toEqual([]);
  });
});

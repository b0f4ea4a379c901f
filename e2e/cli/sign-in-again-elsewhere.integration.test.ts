import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import {
  addressIn,
  addressInJson,
  approving,
  type EndedSignIn,
  endedSignIn,
  MidwayEnd,
  once,
  onTerminal,
} from './ended-sign-in.ts';
import { requests } from './killed-run.ts';
import { bundledCli, type CliOptions, operatorToken, runCli } from './run-cli.ts';

const deviceId = 'ends-01';

/** A session that the provider ends on the way; every run is a process of its own. */
describe('a sign-in that ends in the middle of a command other than batch', () => {
  const midway = new MidwayEnd();
  let fixture: LabFixture;
  let signIn: EndedSignIn;

  beforeAll(async () => {
    fixture = await startLabFixture([{ name: deviceId }], { identityFaults: midway.faults });
    await bundledCli();
    signIn = await endedSignIn(fixture);
    await signIn.signInOnce();
    const run = await runCli(signIn.args('enroll', '--target', target(), '--device-id', deviceId));
    expect(run.status, run.stdout + run.stderr).toBe(0);
  });
  afterAll(async () => {
    await fixture?.stop();
  });

  const target = (): string => {
    const [device] = fixture.lab.devices;
    return `ssh://${device?.user}@${device?.host}:${device?.port}`;
  };
  const isAccountThere = (): boolean =>
    fixture.lab.identity.inspect().users.some((user) => user.live && user.userName === `device-${deviceId}`);
  const isAgentThere = (): boolean =>
    existsSync(path.join(fixture.lab.devices[0]?.root ?? '', 'etc/fleet-agent/zitadel-key.json'));

  /** Those that change nothing. In a pipe they wait only where they are asked to. */
  const looking = {
    dryRun: () => ['enroll', '--target', target(), '--device-id', deviceId, '--dry-run'],
    devices: () => ['devices'],
    doctor: () => ['doctor', '--target', target(), '--device-id', deviceId],
    watch: () => ['devices', '--watch'],
  };
  const waits = ['--wait-for-sign-in', '30'];
  test.each(Object.entries(looking))(
    '%s in a pipe ends at once with 3, and asks nobody',
    async (_name, words) => {
      const { run, asked } = await runEnded([...words(), '--json']);
      expect(run.status, run.stdout + run.stderr).toBe(3);
      expect(run.stdout).toMatch(/IDENTITY_(SESSION_ENDED|NOT_SIGNED_IN)/);
      expect(run.events('notice').filter(({ text }) => text.includes('Sign in again'))).toEqual([]);
      expect(asked).toBe(0);
    },
  );

  /** Those that ask the provider for something while they run. Decommission comes last: it leaves nothing to look at. */
  const commands: readonly (readonly [string, () => readonly string[]])[] = [
    ['a dry run', () => [...looking.dryRun(), ...waits]],
    ['devices', () => [...looking.devices(), ...waits]],
    ['doctor', () => [...looking.doctor(), ...waits]],
    ['rotate', () => ['rotate', deviceId, '--target', target()]],
    ['decommission', () => ['decommission', deviceId, '--target', target(), '--yes']],
  ];
  /** Taken up as it was remembered, and ended before the first request that needs it. */
  const runEnded = async (words: readonly string[], options: CliOptions = {}) => {
    await signIn.signInOnce();
    signIn.endSession();
    const before = signIn.asked();
    const run = await runCli(signIn.args(...words), options);
    return { run, asked: signIn.asked() - before };
  };

  test('a watch of the fleet goes on after one approval, and ends as it would have', async () => {
    const approve = once(addressInJson, approving());
    let isSeen = false;
    const { run, asked } = await runEnded(['devices', '--watch', '--json', ...waits], {
      onOutput: (output) => {
        approve(output);
        if (isSeen || !output.text.includes('"event":"heartbeat"')) return;
        isSeen = true;
        output.kill('SIGINT');
      },
    });
    expect(run.status, run.stdout + run.stderr).toBe(0);
    expect(asked).toBe(1);
    expect(run.events('heartbeat')[0]?.deviceId).toBe(deviceId);
  });

  test('a watch of the fleet ends with 3 where nobody signs in', async () => {
    const { run } = await runEnded(['devices', '--watch', '--json', '--wait-for-sign-in', '0.05']);
    expect(run.status, run.stdout + run.stderr).toBe(3);
    expect(run.events('error')[0]?.error.code).toBe('IDENTITY_SESSION_ENDED');
  });

  // One without a station and one with: the others ask in the same two ways.
  describe.each(commands.filter(([name]) => ['a dry run', 'decommission'].includes(name)))(
    '%s, and nobody who would sign in',
    (_name, words) => {
      test('asks nobody with a limit of 0, and ends with 3', async () => {
        const { run, asked } = await runEnded([...words(), '--wait-for-sign-in', '0']);
        expect(run.status, run.stdout + run.stderr).toBe(3);
        expect(asked).toBe(0);
      });

      test('asks no more once somebody has refused, and ends with 3', async () => {
        const { run, asked } = await runEnded([...words(), '--json'], {
          onOutput: once(addressInJson, approving({ deny: true })),
        });
        expect(run.status, run.stdout + run.stderr).toBe(3);
        expect(asked).toBe(1);
      });
    },
  );

  describe.each(commands)('%s', (_name, words) => {
    test('ends with 3 where nobody signs in before the limit, and says how to', async () => {
      const { run, asked } = await runEnded([...words(), '--wait-for-sign-in', '0.05']);
      expect(run.status, run.stdout + run.stderr).toBe(3);
      expect(addressIn(run.stderr)).toContain(fixture.lab.identity.issuer);
      expect(run.stderr).toContain('3 seconds for the next');
      expect(asked).toBe(1);
      expect([isAccountThere(), isAgentThere()]).toEqual([true, true]);
    });

    test('fails at once and asks nobody where a token that was handed in ends', async () => {
      const token = await operatorToken(fixture.lab.profilePath, fixture.dir, unlessItHangs());
      signIn.endSession();
      const before = signIn.asked();
      const run = await runCli(signIn.args(...words(), '--json'), { env: { MUSTER_ADMIN_TOKEN: token } });
      // The fleet is seen over NATS alone, which does not say why it refuses.
      const [status, code] = words()[0] === 'devices' ? [1, 'NATS_REFUSED'] : [3, 'IDENTITY_TOKEN_REFUSED'];
      expect(run.status, run.stdout + run.stderr).toBe(status);
      expect(run.stdout).toContain(code);
      expect(signIn.asked()).toBe(before);
      expect([isAccountThere(), isAgentThere()]).toEqual([true, true]);
    });

    test('in a pipe tells the address as an event, and goes on to its end after one approval', async () => {
      const { run, asked } = await runEnded([...words(), '--json'], {
        onOutput: once(addressInJson, approving()),
      });
      expect(run.status, run.stdout + run.stderr).toBe(0);
      expect(run.events('sign-in')).toHaveLength(1);
      expect(run.events('notice').filter(({ text }) => text.includes('Sign in again'))).toHaveLength(1);
      expect(run.events('end')).toEqual([expect.objectContaining({ exitCode: 0 })]);
      expect(asked).toBe(1);
    });
  });

  test('what was asked for was done', () => {
    expect([isAccountThere(), isAgentThere()]).toEqual([false, false]);
  });

  test('decommission on a terminal shows the code, and goes on where it was', async () => {
    await signIn.signInOnce();
    const enrolled = await runCli(signIn.args('enroll', '--target', target(), '--device-id', deviceId));
    expect(enrolled.status, enrolled.stdout + enrolled.stderr).toBe(0);
    midway.at(requests.deletesKey, 1, signIn.endSession);
    const run = await onTerminal(signIn.args('decommission', deviceId, '--yes', '--target', target()), {
      onOutput: once(addressIn, approving()),
    });
    expect(run.status, run.stdout).toBe(0);
    expect(run.stdout).toContain('Sign in again');
    expect([isAccountThere(), isAgentThere()]).toEqual([false, false]);
  });
});

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliBundle } from '../../scripts/build-cli.mjs';
import { cliExecutable, packCli } from '../../scripts/pack-cli.mjs';
import { operatorToken, projectRoot } from '../cli/run-cli.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { expectJournalClean, type JournalMark, markJournal } from './device-journal.ts';
import { atTerminal, sendFile, type TerminalRun } from './device-terminal.ts';
import { expectEnrolled, stateOf } from './device-truth.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';
import { stationAddress } from './lan.ts';
import { watchProcesses } from './watch-processes.ts';

const password = `horse-${randomBytes(12).toString('hex')}`;
const wrongs = ['first', 'second', 'third', 'fourth'].map(
  (nth) => `${nth}-${randomBytes(12).toString('hex')}`,
);
const limitMs = 300_000;

/** What sudo and PAM write down, as errors, of being asked without a password and with a wrong one. */
const refusals: readonly RegExp[] = [
  /^sudo: +pi : (a password is required|1 incorrect password attempt) ; /,
  // A password is offered once: the next time PAM asks, nobody answers.
  /^sudo: pam_unix\(sudo:auth\): (conversation failed|auth could not identify password for \[pi\])$/,
];

/**
 * Somebody sits at the device itself, in a terminal, and enrolls the computer before them: Debian's own sudo and PAM ask
 * for the password there. On Debian 13 the command line runs on its own Node, on Debian 12, which has an older one, as an
 * executable.
 */
describe.skipIf(!farmAvailable().ok).each([
  { suite: 'bookworm', program: () => cliExecutable('x64'), before: '', mistakes: 0 },
  { suite: 'trixie', program: () => cliBundle, before: 'node ', mistakes: 1 },
] as const)(
  'a person at a real Debian that enrolls itself, $suite',
  ({ suite, program, before, mistakes }) => {
    const deviceId = `at-home-${suite}`;
    const signal = AbortSignal.timeout(1_800_000);
    const seen: string[] = [];
    const shown: string[] = [];
    let mark: JournalMark;
    let fixture: LabFixture;
    let device: FarmDevice;
    let dir: string;
    let token: string;

    beforeAll(async () => {
      dir = await mkdtemp(path.join(tmpdir(), 'muster-at-home-'));
      [fixture, device] = await Promise.all([
        startLabFixture([], { host: stationAddress, heartbeatLimitSeconds: 300 }),
        startFarmDevice({ name: deviceId, suite, packages: 'installed', conditions: ['sudo-password'] }),
      ]);
      await packCli();
      token = await operatorToken(fixture.lab.profilePath, dir, signal);
      await writeFile(path.join(dir, 'token-file'), token, { mode: 0o600 });
      const set = await device.exec(`printf 'pi:${password}\\n' | chpasswd`);
      expect(set.code, set.stderr).toBe(0);
      await sendFile(device, program(), '/tmp/muster');
      await sendFile(device, path.join(projectRoot, 'out/agent/fleet-agent-x86_64'), '/tmp/agent');
      await sendFile(device, path.join(dir, 'token-file'), '/home/pi/token', { mode: '0600' });
    }, 900_000);
    afterAll(async () => {
      await device?.stop();
      await fixture?.stop();
      if (dir !== undefined) await rm(dir, { recursive: true, force: true });
    });

    const inside = async (command: string): Promise<string> =>
      (await device.exec(command, { limitMs: 120_000 })).stdout.trim();
    const liveKeys = () => fixture.lab.identity.inspect().keys.filter((key) => key.live);
    const failuresOfPam = async (): Promise<number> =>
      Number(
        await inside(
          "journalctl --sync; journalctl --no-pager | grep -c 'pam_unix(sudo:auth).*authentication failure' || true",
        ),
      );

    /** Enrolls, and types these answers to the question for the password; all that runs meanwhile is watched. */
    async function enroll(...answers: readonly string[]): Promise<TerminalRun> {
      const { identity, nats } = fixture.lab;
      const command = [
        `MUSTER_ADMIN_TOKEN_FILE=/home/pi/token ${before}/tmp/muster enroll --target local --device-id ${deviceId}`,
        `--agent-binary /tmp/agent --labels group=batch7 --issuer-url ${identity.issuer} --audience ${identity.projectId}`,
        `--nats-url ${nats.urls.join(',')} --danger-accept-invalid-certs`,
      ].join(' ');
      const runs: TerminalRun[] = [];
      const watched = await watchProcesses(device, async () => {
        const question = `sudo password for ${deviceId}: `;
        runs.push(await atTerminal(device, command, { question, answers, limitMs }));
      });
      seen.push(...watched.texts);
      shown.push(...runs.map(({ text }) => text));
      const [run] = runs;
      if (run === undefined) throw new Error('Nothing was run.');
      return run;
    }

    test('three wrong passwords end in an error with what to do, and nothing was changed', async () => {
      const before = await failuresOfPam();
      const run = await enroll(...wrongs, password);
      expect(run, run.text).toMatchObject({ status: 1, asked: 3 });
      expect(run.text).toContain('[DEVICE_SUDO_REFUSED]');
      expect(run.text).toContain('Enter the right password, or use an account that may run sudo.');
      expect(await failuresOfPam()).toBe(before + 3);
      expect(
        await inside('getent passwd fleet-agent; ls -d /etc/fleet-agent /usr/local/bin/fleet-agent'),
      ).toBe('');
      expect(liveKeys()).toEqual([]);
    }, 400_000);

    test(`the right password after ${mistakes} wrong ones enrolls`, async () => {
      mark = await markJournal(device);
      const before = await failuresOfPam();
      const run = await enroll(...wrongs.slice(0, mistakes), password);
      expect(run, run.text).toMatchObject({ status: 0, asked: mistakes + 1 });
      expect(run.text).toMatch(/1 of 1 enrolled/);
      expect(await failuresOfPam()).toBe(before + mistakes);
      await expectEnrolled(device, deviceId, fixture.lab);
      await expectJournalClean(device, mark, refusals);
    }, 400_000);

    test('the right password is asked for once, and a second run changes nothing', async () => {
      const [before, keys] = [await stateOf(device), liveKeys()];
      const run = await enroll(password);
      expect(run, run.text).toMatchObject({ status: 0, asked: 1 });
      expect(await stateOf(device)).toBe(before);
      expect(liveKeys()).toMatchObject(keys.map(({ id }) => ({ id })));
      await expectJournalClean(device, mark, refusals);
    }, 400_000);

    test('no password was shown, or is in any process, log or file', async () => {
      const secrets = [password, ...wrongs.slice(0, 3)];
      expect(seen.join('\n')).toContain(`enroll\0--target\0local`);
      expect(seen.join('\n')).toContain('MUSTER_ADMIN_TOKEN_FILE=/home/pi/token');
      const journal = await inside('journalctl --all --no-pager -o verbose');
      expect(journal).toContain('COMMAND=');
      const texts = { processes: seen.join('\n'), terminal: shown.join('\n'), journal };
      for (const [place, text] of Object.entries(texts))
        for (const secret of [...secrets, token]) expect(text.includes(secret), place).toBe(false);
      // What was typed is nowhere; the token is where the test has put it.
      await writeFile(path.join(dir, 'needles'), `${secrets.join('\n')}\n${token.slice(-40)}\n`);
      await sendFile(device, path.join(dir, 'needles'), '/home/pi/needles', { mode: '0600' });
      const places = '/tmp /var /root /home /run /etc /usr/local /opt /dev/shm';
      const found = await inside(`grep -rlF -f /home/pi/needles ${places} 2>/dev/null | sort`);
      expect(found.split('\n')).toEqual(['/home/pi/needles', '/home/pi/token']);
    }, 240_000);
  },
);

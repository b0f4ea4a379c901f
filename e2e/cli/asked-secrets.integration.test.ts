import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noSshdReason, type RealSshd, startRealSshd } from '#shared/adapters/ssh/testing/real-sshd.ts';
import { Secret } from '#shared/model/secret.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { bundledCli, operatorToken, runCli } from './run-cli.ts';
import { runOnTerminal } from './terminal-run.ts';

const missing = noSshdReason();
if (missing !== undefined) console.warn(`SKIPPED: passwords that are asked for on a terminal: ${missing}.`);

/** Devices whose sudo asks for a password that is not handed in. Somebody sits at a terminal and types it. */
describe.skipIf(missing !== undefined)('a password that a device needs', () => {
  const signal = AbortSignal.timeout(280_000);
  const password = 'canary-of-sudo';
  const names = ['asks-01', 'asks-02'];
  let fixture: LabFixture;
  let sshd: RealSshd;
  let token: string;

  beforeAll(async () => {
    fixture = await startLabFixture(
      names.map((name) => ({ name, faults: ['sudo-password'] })),
      { devicePassword: new Secret(password) },
    );
    await bundledCli();
    token = await operatorToken(fixture.lab.profilePath, fixture.dir, signal);
    sshd = await startRealSshd();
  }, 120_000);
  afterAll(async () => {
    await sshd?.stop();
    await fixture?.stop();
  });

  const common = (): string[] => [
    ...['--profile', fixture.lab.profilePath, '--state-dir', path.join(fixture.dir, 'cli-state')],
  ];
  const targetOf = (name: string): string => {
    const device = fixture.lab.devices.find((one) => one.name === name);
    return `ssh://${device?.user}@${device?.host}:${device?.port}`;
  };
  /** Types one answer for each question, as often as there are answers. */
  const onTerminal = async (args: readonly string[], answers: readonly string[]) => {
    let answered = 0;
    const run = await runOnTerminal(sshd, [...args, ...common()], {
      env: { MUSTER_ADMIN_TOKEN: token },
      onShown: ({ shown, type }) => {
        const questions = shown().split('sudo password for ').length - 1;
        if (questions <= answered) return;
        type(`${answers[answered] ?? ''}\r`);
        answered += 1;
      },
    });
    const status = await run.ended;
    expect(run.shown()).not.toContain(password);
    return { status, shown: run.shown(), questions: answered };
  };

  test('is asked for by doctor, and again when it was wrong', async () => {
    const run = await onTerminal(['doctor', '--target', targetOf('asks-01')], ['wrong', password]);
    expect(run.questions, run.shown).toBe(2);
    expect(run.shown).toContain('sudo, with the password');
  });

  test('is asked for by doctor once, where nobody answers', async () => {
    const run = await onTerminal(['doctor', '--target', targetOf('asks-01')], ['']);
    expect([run.status, run.questions], run.shown).toEqual([1, 1]);
  });

  test('is asked for by a dry run once for all devices', async () => {
    const manifest = path.join(fixture.dir, 'asks.csv');
    const rows = names.map((name) => `${name},${targetOf(name)}`);
    await writeFile(manifest, `${['device_id,target', ...rows].join('\n')}\n`);
    const run = await onTerminal(['batch', manifest, '--dry-run'], [password]);
    expect([run.status, run.questions], run.shown).toEqual([0, 1]);
    const told = [...run.shown.matchAll(/(asks-0\d)\S*\s+ssh:.*would change/g)];
    expect(told.map(([, name]) => name)).toEqual(names);
  });

  test('is asked for by a decommission, whose result tells all that it has deleted', async () => {
    const enrolled = await runCli(
      ['enroll', '--device-id', 'asks-01', '--target', targetOf('asks-01'), ...common()],
      { env: { MUSTER_ADMIN_TOKEN: token, MUSTER_SUDO_PASSWORD: password } },
    );
    expect(enrolled.status, enrolled.stderr).toBe(0);
    const run = await onTerminal(
      ['decommission', 'asks-01', '--target', targetOf('asks-01'), '--yes'],
      [password],
    );
    expect([run.status, run.questions], run.shown).toEqual([0, 1]);
    for (const what of ['keys', 'account', 'device', 'entry'])
      expect(run.shown).toMatch(new RegExp(`${what} +deleted`));
    const root = fixture.lab.devices.find(({ name }) => name === 'asks-01')?.root ?? '';
    expect(existsSync(path.join(root, 'etc/fleet-agent'))).toBe(false);
  });
});

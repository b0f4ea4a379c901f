import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Secret } from '#shared/model/secret.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '#shared/testing/patience.ts';
import { needlesOf } from '../canary/forms.ts';
import { watchProcessTable } from '../canary/process-table.ts';
import { CanaryScan } from '../canary/scan.ts';
import { TokenTap } from '../canary/token-tap.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { bundledCli, operatorToken, projectRoot } from './run-cli.ts';

/** Another one in every run: the process table shows the processes of other runs on this computer, too. */
const SUDO_PASSWORD = `canary sudo "password" ${randomBytes(6).toString('base64')}/+é`;
/** One for each run that is ended early, and one that no such run has touched: only a device without a key gets one. */
const DEVICES = [1, 2, 3, 4] as const;

/**
 * A token, a minted key and a sudo password go through whole runs of the command line: one that is aborted and leaves a core
 * file, one that writes diagnostic reports and is killed, one that ends. Then everything they left is searched for them.
 */
describe.skipIf(process.platform !== 'linux')('no secret is left by the command line', () => {
  const home = mkdtempSync(path.join(tmpdir(), 'muster-canary-cli-'));
  const [state, cores, reports, temporary, given, controls] = [
    ...['state', 'cores', 'reports', 'temporary', 'given', 'controls'],
  ].map((name) => path.join(home, name)) as [string, string, string, string, string, string];
  const tap = new TokenTap();
  const outputs: string[] = [];
  let fixture: LabFixture;
  let profile: string;

  beforeAll(async () => {
    for (const folder of [cores, reports, temporary, given, controls]) mkdirSync(folder);
    fixture = await startLabFixture(
      DEVICES.map((number) => ({ name: `bench-0${number}`, faults: ['sudo-password'] as const })),
      { identityFaults: tap, devicePassword: new Secret(SUDO_PASSWORD) },
    );
    // A key that the provider makes passes through the station; one that is born on its device never does.
    profile = path.join(given, 'profile.toml');
    const text = readFileSync(fixture.lab.profilePath, 'utf8');
    writeFileSync(profile, text.replace('[identity]', '[identity]\nkey_birth = "provider"'));
    const token = await operatorToken(fixture.lab.profilePath, path.join(home, 'sign-in'), unlessItHangs());
    writeFileSync(path.join(given, 'token'), token, { mode: 0o600 });
    writeFileSync(path.join(given, 'sudo'), SUDO_PASSWORD, { mode: 0o600 });
    await bundledCli();
  });
  afterAll(async () => {
    await fixture?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  interface Run {
    readonly child: ChildProcess;
    /** How it ended, once all that it printed has come. */
    readonly ended: Promise<{ readonly status: number | null; readonly by: NodeJS.Signals | null }>;
  }

  /** Core files as large as memory, in a folder of their own; what is printed is kept. */
  function start(program: string, args: readonly string[], nodeOptions = ''): Run {
    const child = spawn('/bin/sh', ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', program, ...args], {
      cwd: cores,
      env: {
        ...{ PATH: process.env.PATH, HOME: home, TMPDIR: temporary, NODE_OPTIONS: nodeOptions },
        MUSTER_ADMIN_TOKEN_FILE: path.join(given, 'token'),
        MUSTER_SUDO_PASSWORD_FILE: path.join(given, 'sudo'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => outputs.push(chunk.toString('latin1')));
    const ended = once(child, 'close').then(([status, by]) => ({ status, by }));
    return { child, ended };
  }

  function enroll(number: number, nodeOptions = ''): Run {
    const device = fixture.lab.devices[number - 1];
    const target = `ssh://${device?.user}@${device?.host}:${device?.port}`;
    const cli = path.join(projectRoot, 'out', 'cli', 'muster.cjs');
    const args = ['enroll', '--target', target, '--device-id', `bench-0${number}`, '--json', '--verbose'];
    return start(
      process.execPath,
      [cli, ...args.slice(0, 6), '--profile', profile, '--state-dir', state],
      nodeOptions,
    );
  }

  const keyOf = (number: number): string => {
    const file = path.join(fixture.lab.devices[number - 1]?.root ?? '', 'etc/fleet-agent/zitadel-key.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { key: string }).key : '';
  };

  /** Ends a run once its key is on the device: it was in memory by then, and what the agent says is still to come. */
  async function whenDelivered(number: number, { child }: Run, signal: NodeJS.Signals): Promise<void> {
    await vi.waitFor(
      () => {
        expect(child.exitCode, outputs.join('').slice(-2_000)).toBeNull();
        expect(keyOf(number)).not.toBe('');
      },
      { timeout: HANGS_AFTER_MS, interval: 2 },
    );
    child.kill(signal);
  }

  test('not in files, reports, core files, outputs or the process table', async () => {
    const table = await watchProcessTable();
    const aborted = enroll(1);
    await whenDelivered(1, aborted, 'SIGABRT');
    expect((await aborted.ended).by).toBe('SIGABRT');

    // A mishap that nobody catches, too: a module loaded before the program throws when it is told to.
    const mishap = path.join(given, 'mishap.cjs');
    writeFileSync(
      mishap,
      "process.on('SIGUSR1', () => setImmediate(() => { throw new Error('a mishap'); }));\n",
    );
    const report = `--report-on-signal --report-signal=SIGUSR2 --report-uncaught-exception --report-directory=${reports}`;
    const killed = enroll(2, `${report} --require=${mishap}`);
    await whenDelivered(2, killed, 'SIGUSR2');
    await expect.poll(() => readdirSync(reports).length, { timeout: HANGS_AFTER_MS }).toBe(1);
    killed.child.kill('SIGKILL');
    await killed.ended;

    const thrown = enroll(3, `${report} --require=${mishap}`);
    await whenDelivered(3, thrown, 'SIGUSR1');
    expect((await thrown.ended).status).not.toBe(0);
    expect(readdirSync(reports).length).toBe(2);

    for (const number of DEVICES) {
      const { status } = await enroll(number).ended;
      expect(status, outputs.join('').slice(-3_000)).toBe(0);
    }
    const processes = await table.stop();

    const keys = Object.fromEntries(DEVICES.map((number) => [`machine key ${number}`, keyOf(number)]));
    expect(Object.values(keys).every((key) => key.includes('PRIVATE KEY'))).toBe(true);
    const tokens = tap.secrets();
    expect(Object.keys(tokens).length).toBeGreaterThan(0);
    const secrets = {
      ...keys,
      ...tokens,
      'sudo password': SUDO_PASSWORD,
      'personal access token': fixture.lab.identity.adminToken,
    };
    const scan = new CanaryScan(needlesOf(secrets));
    const stateFiles = scan.folder('state folder: journal and log', state);
    expect(stateFiles.length).toBeGreaterThan(0);
    scan.folder('temporary folder', temporary);
    const coreFiles = scan.cores('core files', cores);
    scan.folder('diagnostic reports', reports);
    scan.texts('standard output and error', [outputs.join('')]);
    scan.texts('command lines and environments', processes.texts);
    process.stdout.write(
      `${scan.summary()}\n  process table sampled ${processes.samples} times; core files: ` +
        `${coreFiles.map((file) => `${path.basename(file)} ${statSync(file).size} bytes`).join(', ') || 'none'}\n`,
    );
    expect(scan.findings).toEqual([]);
    if (readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim() === 'core')
      expect(coreFiles.length, 'the aborted run has left a core file').toBeGreaterThan(0);
    // Seven runs of the command line.
  }, 400_000);

  test('and the same search finds them where they were left on purpose', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    const secrets = { 'sudo password': SUDO_PASSWORD, 'machine key': key };
    const scan = new CanaryScan(needlesOf(secrets));
    // The same crash in a program that does not keep its memory out of core files, and was given the secret as an argument.
    const word = `careless${randomBytes(6).toString('hex')}`;
    const table = await watchProcessTable(word);
    const program = `const secret = Buffer.from(process.argv[1], 'base64').toString() + '!'; console.log(process.argv[2]); setInterval(() => secret, 1000);`;
    const argument = Buffer.from(SUDO_PASSWORD).toString('base64');
    const careless = start(process.execPath, ['-e', program, argument, word]);
    // It has the secret in memory, and was seen in the process table.
    await vi.waitFor(() => expect(outputs.join('')).toContain(word), { timeout: HANGS_AFTER_MS });
    await table.sawWord;
    careless.child.kill('SIGABRT');
    await careless.ended;
    scan.texts('process table', (await table.stop()).texts);
    const [core] = readdirSync(cores)
      .map((name) => path.join(cores, name))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    if (core !== undefined) scan.file('core file of a careless program', core);
    writeFileSync(path.join(controls, 'log'), JSON.stringify({ level: 'info', password: SUDO_PASSWORD }));
    writeFileSync(path.join(controls, 'binary'), Buffer.concat([Buffer.alloc(5_000_000), Buffer.from(key)]));
    scan.folder('controls', controls);
    scan.text('message', Buffer.from(key, 'utf16le'));
    const found = new Set(scan.findings.map(({ place }) => place.replace(home, '')));
    expect([...found].sort()).toEqual(
      [
        ...(core === undefined ? [] : [`core file of a careless program: ${core.replace(home, '')}`]),
        ...['controls: /controls/binary', 'controls: /controls/log', 'message', 'process table'],
      ].sort(),
    );
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFileJournal } from '#shared/adapters/journal/file-journal.ts';
import type { FaultRequest } from '../lab/identity/faults.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { requests } from './killed-run.ts';
import { bundledCli, operatorToken, projectRoot } from './run-cli.ts';

/** How a run ended whose output was taken away. */
interface LostRun {
  readonly status: number | null;
  readonly stderr: string;
}

const FULL_DISK = '/dev/full';

/** Whoever reads the output leaves while a device is on its way, or the disk it goes to fills up. */
describe('a run whose output is lost', () => {
  const signal = AbortSignal.timeout(280_000);
  let onRequest: ((request: FaultRequest) => void) | undefined;
  let fixture: LabFixture;
  let token: string;
  let bundle: string;

  beforeAll(async () => {
    const identityFaults = {
      before: (request: FaultRequest) => {
        onRequest?.(request);
        return undefined;
      },
    };
    fixture = await startLabFixture([{ name: 'lost-01' }], { identityFaults });
    bundle = await bundledCli();
    token = await operatorToken(fixture.lab.profilePath, fixture.dir, signal);
  }, 120_000);
  afterAll(async () => {
    await fixture?.stop();
  });

  const stateDir = (): string => path.join(fixture.dir, 'cli-state');
  const device = () => {
    const [only] = fixture.lab.devices;
    if (only === undefined) throw new Error('The lab has no device.');
    return only;
  };
  /** Enrolls the device; `act` is done once, when the provider is asked for its key. */
  const enroll = async (
    act: (child: ChildProcess) => void,
    stdout: 'pipe' | number = 'pipe',
  ): Promise<LostRun> => {
    const { user, host, port } = device();
    const child = spawn(
      process.execPath,
      [
        ...[bundle, 'enroll', '--device-id', 'lost-01', '--target', `ssh://${user}@${host}:${port}`],
        ...['--profile', fixture.lab.profilePath, '--state-dir', stateDir(), '--json'],
      ],
      {
        cwd: projectRoot,
        env: { PATH: process.env.PATH, HOME: '/nonexistent', MUSTER_ADMIN_TOKEN: token },
        stdio: ['ignore', stdout, 'pipe'],
        signal,
      },
    );
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout?.resume();
    onRequest = (request) => {
      if (!requests.makesKey(request)) return;
      onRequest = undefined;
      act(child);
    };
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    onRequest = undefined;
    return { status, stderr };
  };

  /** What a stop in good order leaves: the run told to the journal, the folder free, no key that nobody holds. */
  const expectGoodOrder = ({ stderr }: LostRun): void => {
    expect(stderr).not.toMatch(/Unhandled|^\s+at /m);
    const journal = readFileJournal(stateDir());
    expect(journal.latestRuns().map(({ deviceId, state }) => [deviceId, state])).toEqual([
      ['lost-01', 'stopped'],
    ]);
    expect(readdirSync(path.join(stateDir(), 'lock'))).toEqual([]);
    const { issuer, projectId } = fixture.lab.identity;
    expect(journal.unsettledKeyIntents({ issuer, projectId })).toEqual([]);
    const held = path.join(device().root, 'etc/fleet-agent/zitadel-key.json');
    const { keyId } = existsSync(held)
      ? (JSON.parse(readFileSync(held, 'utf8')) as { keyId: string })
      : { keyId: undefined };
    const live = fixture.lab.identity.inspect().keys.filter((key) => key.live);
    for (const { id } of live) expect(id).toBe(keyId);
  };

  test('nobody reads it any more', async () => {
    const run = await enroll((child) => child.stdout?.destroy());
    expect(run.status, run.stderr).toBe(141);
    expectGoodOrder(run);
    expect(run.stderr).not.toContain('STATION_');
  });

  test.skipIf(!existsSync(FULL_DISK))('the disk is full', async () => {
    const full = openSync(FULL_DISK, 'w');
    try {
      const run = await enroll(() => undefined, full);
      expect(run.status, run.stderr).toBe(5);
      expect(run.stderr).toContain('[STATION_OUTPUT_LOST]');
      expect(run.stderr).not.toMatch(/Unhandled|^\s+at /m);
      expect(readdirSync(path.join(stateDir(), 'lock'))).toEqual([]);
    } finally {
      closeSync(full);
    }
  });
});

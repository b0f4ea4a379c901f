import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fault, FaultRequest } from '../lab/identity/faults.ts';
import { type LabFixture, startLabFixture } from '../lab/testing/lab-fixture.ts';
import { bundledCli, operatorToken, runCli } from './run-cli.ts';

describe('a dry run of several devices', () => {
  const signal = AbortSignal.timeout(280_000);
  const names = ['beside-01', 'beside-02', 'beside-03'];
  let fixture: LabFixture;
  let token: string;
  let before: (request: FaultRequest) => Promise<Fault | undefined> | undefined = () => undefined;

  beforeAll(async () => {
    const devices = names.map((name) => ({ name }));
    fixture = await startLabFixture(devices, { identityFaults: { before: (request) => before(request) } });
    await bundledCli();
    token = await operatorToken(fixture.lab.profilePath, fixture.dir, signal);
  }, 120_000);
  afterAll(async () => {
    await fixture?.stop();
  });

  /** The provider lets nobody's account be found before it was asked for all of these devices. */
  const holdUntilAskedFor = (together: readonly string[]): void => {
    const missing = new Set(together);
    let open: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      open = resolve;
    });
    before = async ({ body }) => {
      const asked = together.find((name) => body.includes(`device-${name}`));
      if (asked === undefined) return undefined;
      missing.delete(asked);
      if (missing.size === 0) open();
      await all;
      return undefined;
    };
  };

  test('looks at as many at once as was said, and tells them in the order of the manifest', async () => {
    const manifest = path.join(fixture.dir, 'beside.csv');
    const rows = fixture.lab.devices.map(
      ({ name, user, host, port }) => `${name},ssh://${user}@${host}:${port}`,
    );
    await writeFile(manifest, `${['device_id,target', ...rows].join('\n')}\n`);
    holdUntilAskedFor(names.slice(0, 2));
    const run = await runCli(
      [
        ...['batch', manifest, '--dry-run', '--concurrency', '2', '--json'],
        ...['--profile', fixture.lab.profilePath, '--state-dir', path.join(fixture.dir, 'cli-state')],
      ],
      { env: { MUSTER_ADMIN_TOKEN: token } },
    );
    expect(run.status, run.stderr).toBe(0);
    expect(run.events('preview').map(({ deviceId }) => deviceId)).toEqual(names);
  });
});

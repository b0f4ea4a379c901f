import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { bundledCli, runCli } from './run-cli.ts';

/** The file of the fleet's older tooling, as a person takes it over. */
describe('muster import client-config', () => {
  const issuer = 'https://id.example.com';
  const older = {
    apps: { station: '371639797157987125' },
    projects: { warehouse: '371639797157921589' },
    machine_user_ids: { 'device-press-07': '371639797158000001' },
    user_grants: { 'device-press-07': '371639797158000002' },
  };
  let dir: string;

  beforeAll(async () => {
    await bundledCli();
  });
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'muster-import-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const profilePath = () => path.join(dir, 'out', 'profile.toml');
  async function importing(content: unknown, more: readonly string[] = ['--issuer-url', issuer]) {
    const file = path.join(dir, 'client-config.json');
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return runCli(['import', 'client-config', file, '--out', path.join(dir, 'out'), '--json', ...more]);
  }

  test('becomes a profile that loads', async () => {
    const run = await importing(older, ['--issuer-url', issuer, '--nats-url', 'tls://nats.example.com:4222']);
    expect(run.status, run.stderr + run.stdout).toBe(0);
    const profile = await loadProfile(profilePath(), unlessItHangs());
    expect(profile).toMatchObject({
      name: 'warehouse',
      identity: { issuer, client_id: older.apps.station, project_id: older.projects.warehouse },
      nats: { urls: ['tls://nats.example.com:4222'] },
    });
    expect(run.events('imported')).toMatchObject([{ clientId: older.apps.station, profile: profilePath() }]);
  });

  test('takes the app and the project that are named where there are several', async () => {
    const several = {
      ...older,
      apps: { ...older.apps, api: '9' },
      projects: { ...older.projects, yard: '8' },
    };
    const named = ['--issuer-url', issuer, '--app', 'api', '--project', 'yard'];
    expect((await importing(several, named)).status).toBe(0);
    const { identity } = await loadProfile(profilePath(), unlessItHangs());
    expect(identity).toMatchObject({ client_id: '9', project_id: '8' });
  });

  test.each([
    ['that is no JSON', '{"apps":', undefined, 'not JSON'],
    ['with an app that has no id', { ...older, apps: { station: 7 } }, undefined, 'apps.station'],
    ['without apps', { projects: older.projects }, undefined, 'apps'],
    ['with no app', { ...older, apps: {} }, undefined, 'no application'],
    ['with a client id that has a space', { ...older, apps: { station: '37 1' } }, undefined, 'apps.station'],
    ['with several apps', { ...older, apps: { a: '1', b: '2' } }, undefined, '--app'],
    ['for nobody knows whom', older, [], '--issuer-url'],
    ['for another issuer', { ...older, issuer: 'https://other.example' }, undefined, 'https://other.example'],
  ])('refuses a file %s, and writes nothing', async (_title, content, more, says) => {
    const run = await importing(content, more);
    expect(run.status, run.stderr + run.stdout).toBe(4);
    expect(run.events('error')).toMatchObject([{ error: { code: 'STATION_CLIENT_CONFIG_INVALID' } }]);
    expect(run.events('error')[0]?.error.says).toContain(says);
    expect(existsSync(path.join(dir, 'out'))).toBe(false);
  });

  test('refuses an issuer over plain http, and a profile that is there', async () => {
    const plain = await importing(older, ['--issuer-url', 'http://id.example.com']);
    expect(plain.events('error')).toMatchObject([{ error: { code: 'STATION_PROFILE_INVALID' } }]);
    expect(existsSync(path.join(dir, 'out'))).toBe(false);
    expect((await importing(older)).status).toBe(0);
    const before = readFileSync(profilePath(), 'utf8');
    const again = await importing({ ...older, apps: { station: '2' } });
    expect(again.status).toBe(4);
    expect(again.events('error')).toMatchObject([{ error: { code: 'STATION_SETUP_FILE_REFUSED' } }]);
    expect(readFileSync(profilePath(), 'utf8')).toBe(before);
  });
});

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImportChoice } from '#shared/model/import-view.ts';
import { ClientConfigImport } from './client-config-import.ts';
import { ProfileLibrary } from './profile-library.ts';

const older = {
  apps: { station: '371639797157987125', api: '9' },
  projects: { 'Plant West': '371639797157921589' },
  machine_user_ids: { 'device-press-07': '371639797158000001' },
};

const choice: ImportChoice = {
  ...{ issuer: 'https://id.example.com', project: 'Plant West', app: 'station', organisationId: '' },
  ...{ natsUrls: [], caFile: '', acceptInvalidCertificates: false },
};

let dir: string;
let one: ClientConfigImport;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-import-'));
  one = new ClientConfigImport(dir);
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const read = (content: object = older) => one.readText('client-config.json', JSON.stringify(content));

describe('the import of a client config', () => {
  test('shows what is taken over and what is left out', () => {
    expect(read()).toMatchObject({
      projects: [{ name: 'Plant West', id: '371639797157921589' }],
      apps: [{ name: 'station' }, { name: 'api' }],
      ignored: [{ what: '1 machine user' }],
    });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  test('the same again is the same profile; another one of the name gets a folder of its own', async () => {
    read();
    const first = await one.save(choice);
    expect(first.path).toBe(path.join(dir, 'profile.toml'));
    expect((await one.save(choice)).path).toBe(first.path);
    const second = await one.save({ ...choice, app: 'api' });
    expect(second.path).toBe(path.join(dir, 'profiles/plant-west/profile.toml'));
    expect((await one.save({ ...choice, app: 'api' })).path).toBe(second.path);
    const third = await one.save({ ...choice, issuer: 'https://id.example.com:8443/' });
    expect(third.path).toBe(path.join(dir, 'profiles/plant-west-2/profile.toml'));
    expect(third.profile.identity.issuer).toBe('https://id.example.com:8443');
    expect(fs.statSync(third.path).mode & 0o077).toBe(0);
    expect(first.profile.identity.client_id).toBe(older.apps.station);
  });

  test.each([
    ['a project that is not in the file', { project: 'yard' }, 'it has no project yard'],
    ['an app that is not in the file', { app: '__proto__' }, 'it has no application __proto__'],
    ['no issuer', { issuer: ' ' }, 'Name the issuer.'],
    ['plain http', { issuer: 'http://id.example.com' }, 'plain http'],
    ['a CA file without its whole path', { caFile: 'ca.pem' }, 'whole path'],
    ['no address of NATS', { natsUrls: ['nonsense:'] }, 'nats.urls'],
  ])('refuses %s and writes nothing', async (_what, part, says) => {
    read();
    await expect(one.save({ ...choice, ...part })).rejects.toThrow(says);
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  test('a file that is refused takes the one before it along', async () => {
    read();
    expect(() => one.readText('client-config.json', '[]')).toThrow('client-config.json');
    await expect(one.save(choice)).rejects.toMatchObject({ code: 'STATION_REQUEST_INVALID' });
  });

  test('an issuer of the file cannot be changed on the way', async () => {
    read({ ...older, issuer: 'https://id.example.com' });
    await expect(one.save({ ...choice, issuer: 'https://evil.example' })).rejects.toThrow(
      'https://evil.example',
    );
  });
});

describe('the library of profiles', () => {
  const problems: string[] = [];
  const library = () => new ProfileLibrary({ userDataDir: dir, onProblem: (text) => problems.push(text) });
  beforeEach(() => {
    problems.length = 0;
  });

  test('opens the own profile first, until another was opened', async () => {
    read();
    const mine = await one.save(choice);
    const other = await one.save({ ...choice, app: 'api' });
    expect(library().first).toBe(mine.path);
    const id = library().keep(other.path, other.profile);
    expect(library().first, 'imported is not opened').toBe(mine.path);
    const opened = library();
    opened.keepOpened(opened.pathOf(id), other.profile);
    expect(library().first).toBe(other.path);
    const { profiles } = await library().view();
    expect(profiles.map(({ path: at, kept }) => [at, kept])).toEqual([
      [mine.path, false],
      [other.path, true],
    ]);
  });

  test('a given profile is on the list for this run alone', async () => {
    read();
    const { path: own, profile } = await one.save(choice);
    const given = path.join(dir, 'given.toml');
    fs.renameSync(own, given);
    const run = library();
    run.openGiven(given);
    run.keepOpened(given, profile);
    expect(fs.existsSync(path.join(dir, 'profiles.json'))).toBe(false);
    expect((await run.view()).profiles).toMatchObject([{ path: given, open: true, kept: false }]);
  });

  test('a broken profile is explained and the others are not touched by it', async () => {
    read();
    const mine = await one.save(choice);
    const other = await one.save({ ...choice, app: 'api' });
    const run = library();
    run.keepOpened(mine.path, mine.profile);
    const id = run.keep(other.path, other.profile);
    fs.writeFileSync(other.path, 'name = ');
    const { profiles } = await run.view();
    expect(profiles).toMatchObject([
      { name: 'Plant West', open: true },
      { name: 'Plant West', open: false, error: { code: 'STATION_PROFILE_INVALID' } },
    ]);
    expect(profiles[0]?.error).toBeUndefined();
    run.forget(id);
    expect(() => run.pathOf(id)).toThrow('no such profile');
    expect(fs.existsSync(other.path)).toBe(true);
    expect(() => run.forget(profiles[0]?.id ?? '')).toThrow('stays on the list');
  });

  test('goes on with a list that cannot be written, and says so', async () => {
    read();
    const mine = await one.save(choice);
    const run = library();
    fs.mkdirSync(path.join(dir, 'profiles.json.part'));
    run.keepOpened(mine.path, mine.profile);
    expect(problems).toEqual([expect.stringContaining('cannot be written')]);
    expect((await run.view()).profiles).toMatchObject([{ open: true }]);
  });
});

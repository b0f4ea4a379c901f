import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadProfileList, saveProfileList, withKnown, withOpened, withoutPath } from './profile-list.ts';

const east = { path: '/plant/east.toml', name: 'east', issuer: 'https://sso.east.example' };
const west = { path: '/plant/west.toml', name: 'west', issuer: 'https://sso.west.example' };
const none = { last: undefined, profiles: [] };

describe('the list of profiles', () => {
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-list-'));
    file = path.join(dir, 'profiles.json');
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

  test('is empty where there is no file', () => {
    expect(loadProfileList(file)).toEqual({ list: none, problem: undefined });
  });

  test('comes back as it was written, for this account alone, with nothing beside it', () => {
    const list = withOpened(withOpened(none, east), west);
    saveProfileList(file, list);
    expect(loadProfileList(file)).toEqual({ list, problem: undefined });
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(dir)).toEqual(['profiles.json']);
  });

  test('forgets the oldest of too many, so that it can always be read again', () => {
    const many = Array.from({ length: 1000 }, (_, number) => ({ ...east, path: `/p/${number}` }));
    const list = withKnown(withOpened({ last: undefined, profiles: many }, west), {
      ...east,
      path: '/p/new',
    });
    saveProfileList(file, list);
    const loaded = loadProfileList(file);
    expect(loaded.problem).toBeUndefined();
    expect(loaded.list.last).toBe(west.path);
    expect(loaded.list.profiles.map((entry) => entry.path)).toEqual([
      ...many.slice(2).map((entry) => entry.path),
      ...[west.path, '/p/new'],
    ]);
  });

  test('survives a writing that was cut off', () => {
    saveProfileList(file, withOpened(none, east));
    fs.writeFileSync(`${file}.part`, '{"version":1,"prof');
    expect(loadProfileList(file).list.profiles).toEqual([east]);
    saveProfileList(file, withOpened(none, west));
    expect(loadProfileList(file).list.profiles).toEqual([west]);
  });

  test('keeps the old list where the new one cannot be written', () => {
    saveProfileList(file, withOpened(none, east));
    // A folder in the place of the file beside it cannot be written over.
    fs.mkdirSync(`${file}.part`);
    expect(() => saveProfileList(file, withOpened(none, west))).toThrow();
    expect(loadProfileList(file).list.profiles).toEqual([east]);
  });

  test.each([
    ['no JSON', '{"version":1'],
    ['a list of another version', '{"version":2,"profiles":[]}'],
    ['a path that is a number', '{"version":1,"profiles":[{"path":7,"name":"n","issuer":"i"}]}'],
  ])('puts %s aside, and says where', (_what, text) => {
    fs.writeFileSync(file, text);
    const { list, problem } = loadProfileList(file);
    expect(list).toEqual(none);
    expect(problem).toContain(`${file}.unreadable`);
    expect(fs.readFileSync(`${file}.unreadable`, 'utf8')).toBe(text);
    expect(loadProfileList(file).problem).toBeUndefined();
  });

  test('says why a file that is there cannot be read', () => {
    fs.mkdirSync(file);
    expect(loadProfileList(file).problem).toContain('EISDIR');
  });

  test('has an opened profile once, as the last one, and forgets on demand', () => {
    const both = withOpened(withOpened(withOpened(none, east), west), { ...east, name: 'east 2' });
    expect(both).toEqual({ last: east.path, profiles: [{ ...east, name: 'east 2' }, west] });
    expect(withKnown(both, { ...west, name: 'west 2' }).last).toBe(east.path);
    expect(withoutPath(both, east.path)).toEqual({ last: undefined, profiles: [west] });
    expect(withoutPath(both, west.path).last).toBe(east.path);
  });

  test('opening is idempotent, whatever was opened before', () => {
    const entry = fc.constantFrom(east, west, { path: '/plant/yard.toml', name: 'yard', issuer: '' });
    fc.assert(
      fc.property(fc.array(entry), entry, (before, opened) => {
        const once = withOpened(before.reduce(withOpened, none), opened);
        expect(withOpened(once, opened)).toEqual(once);
        expect(new Set(once.profiles.map(({ path: at }) => at)).size).toBe(once.profiles.length);
      }),
    );
  });
});

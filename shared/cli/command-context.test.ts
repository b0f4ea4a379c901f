import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFileJournal } from '../adapters/journal/file-journal.ts';
import { type Profile, profileSchema } from '../model/profile.ts';
import { type CommandContext, openPorts } from './command-context.ts';
import { Output } from './output.ts';
import { stateFolder } from './state-folder.ts';

function contextWith(notes: string[]): CommandContext {
  const sink = { isTTY: true, write: () => undefined };
  return {
    output: new Output({
      stdout: sink,
      stderr: { write: (text: string) => void notes.push(text) },
      json: false,
      noColour: false,
      nowMs: () => 0,
    }),
    secrets: {},
    environment: {},
  } as unknown as CommandContext;
}

function profileWith(danger: boolean): Profile {
  return profileSchema.parse({
    name: 'x',
    identity: {
      ...{ issuer: 'https://id.example', client_id: '1', project_id: '2' },
      danger_accept_invalid_certs: danger,
    },
    agent: { binaries: {} },
  });
}

it.each([true, false])(
  'accepting any certificate (%s) is told in red before anything is done',
  async (danger) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'muster-context-'));
    const notes: string[] = [];
    await openPorts(
      contextWith(notes),
      profileWith(danger),
      { stateDir: folder, tokenCache: 'no-cache' },
      'write',
    ).close();
    await rm(folder, { recursive: true, force: true });
    expect(notes).toEqual(
      danger
        ? [
            '\u001b[31mdanger_accept_invalid_certs: any certificate is believed. The sign-in can be read on its way.\u001b[0m\n',
          ]
        : [],
    );
  },
);

describe('the folder of a command', () => {
  const open = (stateDir: string, access: 'read' | 'write') =>
    openPorts(contextWith([]), profileWith(false), { stateDir, tokenCache: 'no-cache' }, access);
  const withFolder = async (use: (folder: string) => Promise<void>): Promise<void> => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'muster-context-'));
    try {
      await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };

  it('is made by what writes to it, and by nothing else', () =>
    withFolder(async (folder) => {
      const stateDir = path.join(folder, 'state');
      await open(stateDir, 'read').close();
      expect(existsSync(stateDir)).toBe(false);
      await open(stateDir, 'write').close();
      expect(existsSync(stateDir)).toBe(true);
    }));

  it.each(['write', 'read'] as const)('is told by name where it cannot be used, to %s', (access) =>
    withFolder(async (folder) => {
      const file = path.join(folder, 'file');
      await writeFile(file, '');
      const stateDir = path.join(file, 'state');
      expect(() => open(stateDir, access)).toThrow(
        expect.objectContaining({
          ...{ code: 'STATION_FOLDER_UNUSABLE', details: { path: stateDir } },
          evidence: expect.stringContaining('ENOTDIR'),
        }),
      );
    }),
  );

  it('need not take a log of who only looks', () =>
    withFolder(async (folder) => {
      await writeFile(path.join(folder, 'log'), '');
      await open(folder, 'read').close();
      expect(() => open(folder, 'write')).toThrow(
        expect.objectContaining({ code: 'STATION_FOLDER_UNUSABLE' }),
      );
      expect(readFileJournal(folder).latestRuns()).toEqual([]);
    }));

  it('is that of the account, which may have none', () => {
    const nobody = (): undefined => undefined;
    expect(stateFolder('/x/y', {}, nobody)).toBe('/x/y');
    expect(stateFolder(undefined, { XDG_STATE_HOME: '/x' }, nobody)).toBe('/x/muster');
    expect(stateFolder(undefined, {}, () => '/home/pi')).toBe('/home/pi/.local/state/muster');
    expect(() => stateFolder(undefined, {}, nobody)).toThrow(
      expect.objectContaining({ code: 'STATION_FOLDER_UNUSABLE' }),
    );
  });
});

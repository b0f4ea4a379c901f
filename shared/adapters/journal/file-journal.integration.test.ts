import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileJournal, readFileJournal } from './file-journal.ts';

const realm = { issuer: 'https://id.example', projectId: '71' };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-file-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => join(folder, 'journal.jsonl');
const intent = (intentId: string, createdAt = 1000) => ({
  ...{ intentId, ...realm, deviceId: 'press-07', userId: '42', keyIdsBefore: ['1'] },
  ...{ expiresAt: createdAt + 86_400_123, createdAt },
});
const run = (attempt: number, deviceId = 'press-07') => ({
  ...({
    batchId: 'b1',
    deviceId,
    target: 'ssh://10.0.0.7',
    state: 'enrolled',
    attempt,
    roundTrips: 4,
  } as const),
  ...{ startedAt: attempt, finishedAt: attempt + 1, errorCode: undefined },
});
const failed = expect.objectContaining({ code: 'STATION_JOURNAL_FAILED' });

describe('a journal of lines', () => {
  it.each([
    ['half a line', '{"intent":{"intentId":"to'],
    ['a line of zeros', `${'\0'.repeat(80)}`],
    ['zeros where a block was not written, and the end of the line', `${'\0'.repeat(80)}"createdAt":1}}\n`],
  ])('drops %s at its end: nobody was told that it is there', (_what, tail) => {
    const journal = openFileJournal(folder);
    journal.openKeyIntent(intent('one'));
    journal.close();
    const good = readFileSync(file(), 'utf8');
    appendFileSync(file(), tail);
    expect(readFileJournal(folder).unsettledKeyIntents(realm)).toHaveLength(1);
    const again = openFileJournal(folder);
    expect(readFileSync(file(), 'utf8')).toBe(good);
    again.openKeyIntent(intent('two'));
    again.close();
    expect(
      readFileJournal(folder)
        .unsettledKeyIntents(realm)
        .map((open) => open.intentId),
    ).toEqual(['one', 'two']);
  });

  it('refuses damage before its end, another format and a newer version, and leaves the file as it is', () => {
    const journal = openFileJournal(folder);
    journal.openKeyIntent(intent('one'));
    journal.close();
    const [header, line] = readFileSync(file(), 'utf8').split('\n');
    for (const bad of [
      `${header}\n{"intent":\n${line}\n`,
      `${header}\n${line}\n${line}\n`,
      `${header}\n{"other":1}\n`,
      `${header?.replace('"version":1', '"version":2')}\n${line}\n`,
      'a text of somebody else\n',
    ]) {
      writeFileSync(file(), bad);
      expect(() => openFileJournal(folder), bad).toThrowError(failed);
      expect(() => readFileJournal(folder), bad).toThrowError(failed);
      expect(readFileSync(file(), 'utf8')).toBe(bad);
    }
  });

  it('reads intents from before they noted their project', () => {
    openFileJournal(folder).close();
    const { projectId, ...older } = intent('one');
    appendFileSync(file(), `${JSON.stringify({ intent: older })}\n`);
    const open = [{ ...older, projectId: undefined, state: 'minting', keyId: undefined }];
    expect(readFileJournal(folder).unsettledKeyIntents(realm)).toEqual(open);
    expect(readFileJournal(folder).unsettledKeyIntents({ ...realm, projectId: `${projectId}2` })).toEqual(
      open,
    );
  });

  it('is written anew when most of its lines tell nothing any more', () => {
    const journal = openFileJournal(folder);
    journal.pinHostKey('10.0.0.7', { fingerprint: 'SHA256:a', keyType: undefined }, 1);
    const board = {
      serial: undefined,
      machineId: 'f00d',
      hostKey: undefined,
      target: 'local://',
      givenAt: 1,
    };
    journal.giveId(realm, 'press-07', board);
    journal.giveId(realm, 'press-08', board);
    journal.releaseId(realm, 'press-08');
    for (let number = 1; number <= 700; number += 1) {
      journal.openKeyIntent(intent(`k${number}`, number));
      journal.settleKeyIntent(`k${number}`, number === 650 ? 'delivering' : 'delivered', `key-${number}`);
      journal.recordRun(run(number));
    }
    journal.close();
    const before = readFileJournal(folder);
    const size = statSync(file()).size;
    openFileJournal(folder).close();
    const after = readFileJournal(folder);
    expect(statSync(file()).size).toBeLessThan(size / 100);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(after.unsettledKeyIntents(realm)).toEqual([
      { ...intent('k650', 650), state: 'delivering', keyId: 'key-650' },
    ]);
    expect(after.unsettledKeyIntents(realm)).toEqual(before.unsettledKeyIntents(realm));
    expect(after.latestRuns()).toEqual([run(700)]);
    expect(after.hostKey('10.0.0.7')?.fingerprint).toBe('SHA256:a');
    expect(['press-07', 'press-08'].map((id) => after.boardOf(realm, id))).toEqual([board, undefined]);
    expect(readdirSync(folder).sort()).toEqual(['journal.jsonl', 'lock']);
  });

  it('is empty where there is none, and reading makes nothing and writes nothing', () => {
    const reader = readFileJournal(join(folder, 'nowhere'));
    expect(reader.latestRuns()).toEqual([]);
    expect(() => reader.pinHostKey('a', { fingerprint: 'b', keyType: undefined }, 1)).toThrowError(failed);
    expect(reader.hostKey('a')).toBeUndefined();
    reader.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the lock of its folder', () => {
  const inUse = (pid: number) =>
    expect.objectContaining({ code: 'STATION_FOLDER_IN_USE', details: { path: folder, pid } });
  const entries = () => readdirSync(join(folder, 'lock'));
  let children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    children = [];
  });

  /** A process that holds the folder, or says why it may not. */
  async function holder(): Promise<{ readonly child: ChildProcess; readonly said: string }> {
    const script = join(folder, 'holder.mts');
    writeFileSync(
      script,
      `import { openFileJournal } from ${JSON.stringify(join(import.meta.dirname, 'file-journal.ts'))};
       try { openFileJournal(${JSON.stringify(folder)}); process.stdout.write('holds'); setInterval(() => {}, 1000); }
       catch (thrown) { process.stdout.write(thrown.code); }`,
    );
    const child = spawn(process.execPath, ['--import', 'tsx', script], {
      cwd: join(import.meta.dirname, '../../..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [bytes] = await once(child.stdout as NodeJS.ReadableStream, 'data');
    return { child, said: String(bytes) };
  }

  it('is with one process, and free again when it was killed', async () => {
    const { child, said } = await holder();
    expect(said).toBe('holds');
    expect(() => openFileJournal(folder)).toThrowError(inUse(child.pid as number));
    expect(readFileJournal(folder).latestRuns()).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(entries()).toHaveLength(1);
    const journal = openFileJournal(folder);
    expect(() => openFileJournal(folder)).toThrowError(inUse(process.pid));
    journal.close();
    expect(entries()).toEqual([]);
  });

  it('is never with two of many that come at once', async () => {
    const all = await Promise.all([holder(), holder(), holder(), holder()]);
    expect(all.filter(({ said }) => said === 'holds').length).toBeLessThanOrEqual(1);
    expect(all.every(({ said }) => said === 'holds' || said === 'STATION_FOLDER_IN_USE')).toBe(true);
  });

  it.each([
    ['of a process whose number was given away', { startedAt: '1' }, 'free'],
    ['from before the last boot', { bootId: 'another' }, 'free'],
    ['that cannot be read', { pid: 'x' }, 'free'],
    ['of another container', { pid: 4_000_000, pidNamespace: 'pid:[1]' }, 'held'],
    ['of a process that is gone', { pid: 4_000_000 }, 'free'],
  ])('an entry %s', (_what, change, outcome) => {
    openFileJournal(folder).close();
    const own = openFileJournal(folder);
    const [name = ''] = entries();
    const mine = JSON.parse(readFileSync(join(folder, 'lock', name), 'utf8'));
    own.close();
    mkdirSync(join(folder, 'lock'), { recursive: true });
    writeFileSync(join(folder, 'lock', 'left.json'), JSON.stringify({ ...mine, ...change }));
    if (outcome === 'held') {
      expect(() => openFileJournal(folder)).toThrowError(inUse(4_000_000));
      return;
    }
    openFileJournal(folder).close();
    expect(entries()).toEqual([]);
  });
});

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BoardOnRecord, Journal, KeyIntent, RunRecord } from '../../engine/ports.ts';
import { openFileJournal } from './file-journal.ts';
import { openJournal } from './journal.ts';
import { migrations } from './migrations.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const realm = { issuer: 'https://id.example', projectId: '71' };
const intent = (intentId: string, createdAt = 1000, of: Pick<KeyIntent, 'issuer' | 'projectId'> = realm) => ({
  intentId,
  ...of,
  deviceId: 'press-07',
  userId: '42',
  keyIdsBefore: ['1', '2'],
  expiresAt: createdAt + 86_400_123,
  createdAt,
});
const run = (fields: Partial<RunRecord> = {}): RunRecord => ({
  batchId: 'b1',
  deviceId: 'press-07',
  target: 'ssh://10.0.0.7',
  state: 'running',
  attempt: 1,
  startedAt: 1000,
  finishedAt: undefined,
  errorCode: undefined,
  roundTrips: 0,
  ...fields,
});

const board = (fields: Partial<BoardOnRecord> = {}): BoardOnRecord => ({
  ...{ serial: '10000000abcdef01', machineId: 'f00d', hostKey: 'SHA256:a' },
  ...{ target: 'ssh://10.0.0.7', givenAt: 1000, ...fields },
});

/** The two journals keep the same promises; one is on SQLite, the other on lines of JSON. */
const kinds = [
  {
    kind: 'SQLite',
    open: (dir: string) => openJournal(join(dir, 'data', 'journal.sqlite')),
    opener: {
      module: 'journal.ts',
      call: (dir: string) => `openJournal(${q(join(dir, 'data', 'journal.sqlite'))})`,
    },
    files: ['journal.sqlite', 'journal.sqlite-wal', 'journal.sqlite-shm'],
  },
  {
    kind: 'lines',
    open: (dir: string) => openFileJournal(join(dir, 'data')),
    opener: { module: 'file-journal.ts', call: (dir: string) => `openFileJournal(${q(join(dir, 'data'))})` },
    files: ['journal.jsonl'],
  },
];

function q(text: string): string {
  return JSON.stringify(text);
}

describe.each(kinds)('journal on $kind', ({ open, opener, files }) => {
  let journal: Journal;
  beforeEach(() => {
    journal = open(folder);
  });
  afterEach(() => journal.close());

  it('keeps intents until they are settled, oldest first, per issuer and project', () => {
    journal.openKeyIntent(intent('late', 3000));
    journal.openKeyIntent(intent('early', 1000));
    journal.openKeyIntent(intent('elsewhere', 2000, { ...realm, issuer: 'https://other.example' }));
    journal.openKeyIntent(intent('of-another-organisation', 2000, { ...realm, projectId: '72' }));
    journal.settleKeyIntent('early', 'minted', 'k1');
    expect(journal.unsettledKeyIntents(realm)).toEqual([
      { ...intent('early', 1000), state: 'minted', keyId: 'k1' },
      { ...intent('late', 3000), state: 'minting', keyId: undefined },
    ]);
    journal.settleKeyIntent('early', 'delivering');
    expect(journal.unsettledKeyIntents(realm)[0]).toMatchObject({ state: 'delivering', keyId: 'k1' });
    journal.settleKeyIntent('early', 'delivered');
    journal.settleKeyIntent('late', 'deleted');
    expect(journal.unsettledKeyIntents(realm)).toEqual([]);
  });

  it('counts an intent without a project to every one of its issuer', () => {
    const { issuer } = realm;
    journal.openKeyIntent(intent('unknown', 1000, { issuer, projectId: undefined }));
    const unknown = { ...intent('unknown'), projectId: undefined, state: 'minting', keyId: undefined };
    journal.close();
    journal = open(folder);
    for (const projectId of ['71', '72'])
      expect(journal.unsettledKeyIntents({ issuer, projectId })).toEqual([unknown]);
    expect(journal.unsettledKeyIntents({ issuer: 'https://other.example', projectId: '71' })).toEqual([]);
  });

  it('refuses a second intent of one id and the settling of an unknown one', () => {
    journal.openKeyIntent(intent('one'));
    expect(() => journal.openKeyIntent(intent('one'))).toThrowError(
      expect.objectContaining({ code: 'STATION_JOURNAL_FAILED' }),
    );
    expect(() => journal.settleKeyIntent('none', 'deleted')).toThrowError(
      expect.objectContaining({ code: 'STATION_JOURNAL_FAILED' }),
    );
  });

  it('knows the newest run of every device', () => {
    journal.recordRun(run());
    journal.recordRun(
      run({ state: 'failed', finishedAt: 1500, errorCode: 'DEVICE_UNREACHABLE', roundTrips: 1 }),
    );
    const second = run({ attempt: 2, state: 'enrolled', startedAt: 2000, finishedAt: 2500, roundTrips: 5 });
    journal.recordRun(second);
    journal.recordRun(run({ deviceId: 'press-08', batchId: 'b0' }));
    expect(journal.latestRuns()).toEqual([second, run({ deviceId: 'press-08', batchId: 'b0' })]);
  });

  it('knows a device that was taken out of the fleet, until it is enrolled again', () => {
    journal.recordRun(run({ state: 'enrolled', finishedAt: 1500 }));
    const left = run({ batchId: 'd1', state: 'decommissioned', startedAt: 2000 });
    journal.recordRun(left);
    expect(journal.latestRuns()).toEqual([left]);
    const ended = { ...left, finishedAt: 2500, errorCode: 'DEVICE_UNREACHABLE' };
    journal.recordRun(ended);
    journal.close();
    journal = open(folder);
    expect(journal.latestRuns()).toEqual([ended]);
    const again = run({ batchId: 'b2', state: 'enrolled', startedAt: 3000, finishedAt: 3500 });
    journal.recordRun(again);
    expect(journal.latestRuns()).toEqual([again]);
  });

  it('knows which board has an id, in each fleet, until it is given to another or to nobody', () => {
    const elsewhere = { ...realm, projectId: '72' };
    const unknown = { serial: undefined, machineId: undefined, hostKey: undefined };
    expect(journal.boardOf(realm, 'press-07')).toBeUndefined();
    journal.giveId(realm, 'press-07', board());
    journal.giveId(realm, 'press-08', board(unknown));
    journal.giveId(elsewhere, 'press-07', board({ serial: '9' }));
    journal.giveId(realm, 'press-07', board({ hostKey: undefined, givenAt: 2000 }));
    const read = () =>
      [realm, elsewhere].flatMap((of) => ['press-07', 'press-08'].map((id) => journal.boardOf(of, id)));
    const given = [
      board({ hostKey: undefined, givenAt: 2000 }),
      board(unknown),
      board({ serial: '9' }),
      undefined,
    ];
    expect(read()).toEqual(given);
    journal.close();
    journal = open(folder);
    expect(read()).toEqual(given);
    journal.giveId(realm, 'press-06', board());
    const serial = board().serial ?? '';
    expect(journal.idsOfSerial(realm, serial)).toEqual(['press-06', 'press-07']);
    expect(journal.idsOfSerial(elsewhere, serial)).toEqual([]);
    expect(journal.idsOfSerial(elsewhere, '9')).toEqual(['press-07']);
    journal.releaseId(realm, 'press-07');
    journal.releaseId(realm, 'press-07');
    journal.close();
    journal = open(folder);
    expect(read()).toEqual([undefined, ...given.slice(1)]);
  });

  it('pins host keys and replaces them', () => {
    const first = { fingerprint: 'SHA256:a', keyType: undefined };
    const second = { fingerprint: 'SHA256:b', keyType: 'ssh-ed25519' };
    expect(journal.hostKey('10.0.0.7')).toBeUndefined();
    journal.pinHostKey('10.0.0.7', first, 1);
    expect(journal.hostKey('10.0.0.7')).toEqual(first);
    journal.pinHostKey('10.0.0.7', second, 2);
    expect(journal.hostKey('10.0.0.7')).toEqual(second);
    expect(journal.hostKey('10.0.0.8')).toBeUndefined();
  });

  it('is there again after it was closed, and nobody else may read it', () => {
    journal.openKeyIntent(intent('one'));
    journal.settleKeyIntent('one', 'delivering', 'k1');
    journal.pinHostKey('ssh://10.0.0.7', { fingerprint: 'SHA256:a', keyType: 'ssh-rsa' }, 1);
    journal.recordRun(run({ finishedAt: 1500, errorCode: 'DEVICE_UNREACHABLE' }));
    for (const name of files) {
      const mode = (statSync(join(folder, 'data', name)).mode & 0o777).toString(8);
      expect(`${name} ${mode}`).toBe(`${name} 600`);
    }
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
    const read = (): unknown => [
      journal.unsettledKeyIntents(realm),
      journal.hostKey('ssh://10.0.0.7'),
      journal.latestRuns(),
    ];
    const before = read();
    journal.close();
    journal = open(folder);
    expect(read()).toEqual(before);
    expect(journal.unsettledKeyIntents(realm)).toEqual([
      { ...intent('one'), state: 'delivering', keyId: 'k1' },
    ]);
  });

  it('has every written intent after its process was killed', async () => {
    journal.close();
    const script = join(folder, 'writer.mts');
    writeFileSync(
      script,
      `import * as opener from ${q(join(import.meta.dirname, opener.module))};
       const journal = opener.${opener.call(folder)};
       for (let number = 0; ; number += 1) {
         journal.openKeyIntent({ ...${JSON.stringify(intent('x'))}, intentId: String(number), createdAt: number });
         process.stdout.write(number + '\\n');
       }`,
    );
    const writer = spawn(process.execPath, ['--import', 'tsx', script], {
      cwd: join(import.meta.dirname, '../../..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    await new Promise<void>((resolve) => {
      writer.stdout.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        if (said.split('\n').length > 30) writer.kill('SIGKILL');
      });
      writer.once('close', () => resolve());
    });
    const reported = said.split('\n').slice(0, -1).length;
    expect(reported).toBeGreaterThanOrEqual(30);
    journal = open(folder);
    const found = journal.unsettledKeyIntents(realm).length;
    expect(found).toBeGreaterThanOrEqual(reported);
    expect(found).toBeLessThanOrEqual(reported + 1);
  });
});

describe('SQLite', () => {
  it('takes over the intents of a journal from before they noted their project', () => {
    const path = join(folder, 'older.sqlite');
    const database = new Database(path);
    for (const migration of migrations.slice(0, 3)) database.exec(migration);
    database.exec(`CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
      INSERT INTO schema_version VALUES (3);
      INSERT INTO key_intent VALUES ('old', '${realm.issuer}', 'press-07', '42', '["1","2"]', 86401123, 'k1', 'minted', 1000);`);
    database.close();
    const journal = openJournal(path);
    const old = { ...intent('old'), projectId: undefined, state: 'minted', keyId: 'k1' };
    expect(journal.unsettledKeyIntents(realm)).toEqual([old]);
    journal.settleKeyIntent('old', 'deleted');
    journal.openKeyIntent(intent('new'));
    expect(journal.unsettledKeyIntents(realm).map(({ intentId }) => intentId)).toEqual(['new']);
    journal.close();
  });

  it('takes over a journal from before it kept boards: its ids are nobody’s, and can be given', () => {
    const path = join(folder, 'older.sqlite');
    const database = new Database(path);
    for (const migration of migrations.slice(0, 4)) database.exec(migration);
    database.exec(`CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
      INSERT INTO schema_version VALUES (4);
      INSERT INTO run (batch_id, device_id, target, state, attempt, started_at, round_trips)
        VALUES ('b1', 'press-07', 'ssh://10.0.0.7', 'enrolled', 1, 1000, 4);`);
    database.close();
    const journal = openJournal(path);
    expect(journal.latestRuns()).toEqual([run({ state: 'enrolled', roundTrips: 4 })]);
    expect(journal.boardOf(realm, 'press-07')).toBeUndefined();
    journal.giveId(realm, 'press-07', board());
    expect(journal.boardOf(realm, 'press-07')).toEqual(board());
    journal.close();
  });

  it('refuses a damaged file, a folder that cannot be made, and a newer schema', () => {
    const damaged = join(folder, 'damaged.sqlite');
    writeFileSync(damaged, 'this is no database, it is a text of some length'.repeat(100));
    const beneathFile = join(damaged, 'journal.sqlite');
    const newer = join(folder, 'newer.sqlite');
    openJournal(newer).close();
    const database = new Database(newer);
    database.exec('UPDATE schema_version SET version = 999');
    database.close();
    for (const bad of [damaged, beneathFile, newer]) {
      expect(() => openJournal(bad)).toThrowError(
        expect.objectContaining({ code: 'STATION_JOURNAL_FAILED', details: { path: bad } }),
      );
    }
  });
});

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../engine/ports.ts';
import { openJournal, openMemoryJournal } from './journal.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-journal-'));
  path = join(folder, 'data', 'journal.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const issuer = 'https://id.example';
const intent = (intentId: string, createdAt = 1000, of = issuer) => ({
  intentId,
  issuer: of,
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

describe('journal', () => {
  it('keeps intents until they are settled, oldest first, per issuer', () => {
    const journal = openMemoryJournal();
    journal.openKeyIntent(intent('late', 3000));
    journal.openKeyIntent(intent('early', 1000));
    journal.openKeyIntent(intent('elsewhere', 2000, 'https://other.example'));
    journal.settleKeyIntent('early', 'minted', 'k1');
    expect(journal.unsettledKeyIntents(issuer)).toEqual([
      { ...intent('early', 1000), state: 'minted', keyId: 'k1' },
      { ...intent('late', 3000), state: 'minting', keyId: undefined },
    ]);
    journal.settleKeyIntent('early', 'delivering');
    expect(journal.unsettledKeyIntents(issuer)[0]).toMatchObject({ state: 'delivering', keyId: 'k1' });
    journal.settleKeyIntent('early', 'delivered');
    journal.settleKeyIntent('late', 'deleted');
    expect(journal.unsettledKeyIntents(issuer)).toEqual([]);
    journal.close();
  });

  it('refuses a second intent of one id and the settling of an unknown one', () => {
    const journal = openMemoryJournal();
    journal.openKeyIntent(intent('one'));
    expect(() => journal.openKeyIntent(intent('one'))).toThrowError(
      expect.objectContaining({ code: 'STATION_JOURNAL_FAILED' }),
    );
    expect(() => journal.settleKeyIntent('none', 'deleted')).toThrowError(
      expect.objectContaining({ code: 'STATION_JOURNAL_FAILED' }),
    );
    journal.close();
  });

  it('knows the newest run of every device', () => {
    const journal = openMemoryJournal();
    journal.recordRun(run());
    journal.recordRun(
      run({ state: 'failed', finishedAt: 1500, errorCode: 'DEVICE_UNREACHABLE', roundTrips: 1 }),
    );
    const second = run({ attempt: 2, state: 'enrolled', startedAt: 2000, finishedAt: 2500, roundTrips: 5 });
    journal.recordRun(second);
    journal.recordRun(run({ deviceId: 'press-08', batchId: 'b0' }));
    expect(journal.latestRuns()).toEqual([second, run({ deviceId: 'press-08', batchId: 'b0' })]);
    journal.close();
  });

  it('pins host keys and replaces them', () => {
    const journal = openMemoryJournal();
    expect(journal.hostKey('ssh://10.0.0.7')).toBeUndefined();
    journal.pinHostKey('ssh://10.0.0.7', 'SHA256:a', 1);
    journal.pinHostKey('ssh://10.0.0.7', 'SHA256:b', 2);
    expect(journal.hostKey('ssh://10.0.0.7')).toBe('SHA256:b');
    journal.close();
  });
});

describe('journal on disk', () => {
  it('is there again after it was closed, and nobody else may read it', () => {
    const journal = openJournal(path);
    journal.openKeyIntent(intent('one'));
    for (const name of [path, `${path}-wal`, `${path}-shm`]) {
      if (existsSync(name))
        expect(`${name} ${(statSync(name).mode & 0o777).toString(8)}`).toBe(`${name} 600`);
    }
    expect(existsSync(`${path}-wal`)).toBe(true);
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
    journal.close();
    const again = openJournal(path);
    expect(again.unsettledKeyIntents(issuer)).toHaveLength(1);
    again.close();
  });

  it('has every written intent after its process was killed', async () => {
    const script = join(folder, 'writer.mts');
    writeFileSync(
      script,
      `import { openJournal } from ${JSON.stringify(join(import.meta.dirname, 'journal.ts'))};
       const journal = openJournal(${JSON.stringify(path)});
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
    const journal = openJournal(path);
    const found = journal.unsettledKeyIntents(issuer).length;
    expect(found).toBeGreaterThanOrEqual(reported);
    expect(found).toBeLessThanOrEqual(reported + 1);
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

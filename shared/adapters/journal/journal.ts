import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'libsql';
import { z } from 'zod';
import type { BoardOnRecord, Journal, KeyIntent, RunRecord } from '../../engine/ports.ts';
import { guardFor } from './journal-failure.ts';
import { migrations } from './migrations.ts';

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
/** How long a write waits for another process, say a backup, that holds the file. */
const BUSY_TIMEOUT_MS = 5000;

const instant = z.number().int();
const intentRow = z.object({
  intent_id: z.string(),
  issuer: z.string(),
  project_id: z.string().nullable(),
  device_id: z.string(),
  user_id: z.string(),
  key_ids_before: z.string(),
  expires_at: instant,
  key_id: z.string().nullable(),
  state: z.enum(['minting', 'minted', 'delivering', 'delivered', 'deleted']),
  created_at: instant,
});
const runRow = z.object({
  batch_id: z.string(),
  device_id: z.string(),
  target: z.string(),
  state: z.enum(['running', 'enrolled', 'failed', 'stopped', 'decommissioned']),
  attempt: z.number().int(),
  started_at: instant,
  finished_at: instant.nullable(),
  error_code: z.string().nullable(),
  round_trips: z.number().int(),
});
const hostKeyRow = z.object({ fingerprint: z.string(), key_type: z.string().nullable() }).optional();
const boardRow = z.object({
  serial: z.string().nullable(),
  machine_id: z.string().nullable(),
  host_key: z.string().nullable(),
  target: z.string(),
  given_at: instant,
});
const versionRow = z.object({ version: z.number().int().nonnegative() });
const keyIds = z.array(z.string());

function intentOf(content: unknown): KeyIntent {
  const row = intentRow.parse(content);
  return {
    intentId: row.intent_id,
    issuer: row.issuer,
    projectId: row.project_id ?? undefined,
    deviceId: row.device_id,
    userId: row.user_id,
    keyIdsBefore: keyIds.parse(JSON.parse(row.key_ids_before)),
    expiresAt: row.expires_at,
    keyId: row.key_id ?? undefined,
    state: row.state,
    createdAt: row.created_at,
  };
}

function runOf(content: unknown): RunRecord {
  const row = runRow.parse(content);
  return {
    batchId: row.batch_id,
    deviceId: row.device_id,
    target: row.target,
    state: row.state,
    attempt: row.attempt,
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
    errorCode: row.error_code ?? undefined,
    roundTrips: row.round_trips,
  };
}

function boardOf(content: unknown): BoardOnRecord {
  const row = boardRow.parse(content);
  return {
    serial: row.serial ?? undefined,
    machineId: row.machine_id ?? undefined,
    hostKey: row.host_key ?? undefined,
    target: row.target,
    givenAt: row.given_at,
  };
}

/** Makes the file and its folder private before SQLite opens it; its WAL and index inherit the file's mode. */
function makePrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_FOLDER });
  closeSync(openSync(path, 'a', PRIVATE_FILE));
  chmodSync(path, PRIVATE_FILE);
}

function setUp(database: Database.Database): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  database.exec('PRAGMA journal_mode = WAL');
  // FULL: an intent that was written is on the disk before the call it announces goes out.
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA trusted_schema = OFF');
}

function migrate(database: Database.Database): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT');
    const found = database.prepare('SELECT version FROM schema_version').get();
    const version = found === undefined ? 0 : versionRow.parse(found).version;
    if (version > migrations.length) {
      throw new Error(
        `The journal has schema ${version}; this station knows ${migrations.length}. Use the newer station.`,
      );
    }
    for (const migration of migrations.slice(version)) database.exec(migration);
    database.exec('DELETE FROM schema_version');
    database.prepare('INSERT INTO schema_version (version) VALUES (?)').run(migrations.length);
    database.exec('COMMIT');
  } catch (thrown) {
    database.exec('ROLLBACK');
    throw thrown;
  }
}

function prepare(database: Database.Database) {
  return {
    openIntent: database.prepare(
      `INSERT INTO key_intent
         (intent_id, issuer, project_id, device_id, user_id, key_ids_before, expires_at, key_id, state, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, NULL, 'minting', ?)`,
    ),
    settleIntent: database.prepare(
      'UPDATE key_intent SET state = ?, key_id = coalesce(?, key_id) WHERE intent_id = ?',
    ),
    unsettledIntents: database.prepare(
      `SELECT * FROM key_intent
       WHERE issuer = ? AND (project_id IS NULL OR project_id = ?) AND state NOT IN ('delivered', 'deleted')
       ORDER BY created_at, rowid`,
    ),
    recordRun: database.prepare(
      `INSERT INTO run
         (batch_id, device_id, target, state, attempt, started_at, finished_at, error_code, round_trips)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (batch_id, device_id, attempt) DO UPDATE SET
         target = excluded.target, state = excluded.state, started_at = excluded.started_at,
         finished_at = excluded.finished_at, error_code = excluded.error_code, round_trips = excluded.round_trips`,
    ),
    latestRuns: database.prepare(
      `SELECT * FROM run AS newest WHERE run_number = (
         SELECT run_number FROM run WHERE device_id = newest.device_id
         ORDER BY started_at DESC, run_number DESC LIMIT 1
       ) ORDER BY device_id`,
    ),
    giveId: database.prepare(
      `INSERT OR REPLACE INTO board
         (issuer, project_id, device_id, serial, machine_id, host_key, target, given_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    boardOf: database.prepare('SELECT * FROM board WHERE issuer = ? AND project_id = ? AND device_id = ?'),
    idsOfSerial: database
      .prepare(
        'SELECT device_id FROM board WHERE issuer = ? AND project_id = ? AND serial = ? ORDER BY device_id',
      )
      .pluck(),
    releaseId: database.prepare('DELETE FROM board WHERE issuer = ? AND project_id = ? AND device_id = ?'),
    hostKey: database.prepare('SELECT fingerprint, key_type FROM host_key WHERE target = ?'),
    pinHostKey: database.prepare(
      `INSERT INTO host_key (target, fingerprint, key_type, pinned_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (target) DO UPDATE SET
         fingerprint = excluded.fingerprint, key_type = excluded.key_type, pinned_at = excluded.pinned_at`,
    ),
  };
}

function journalOn(database: Database.Database, guarded: <T>(work: () => T) => T): Journal {
  const sql = guarded(() => {
    setUp(database);
    migrate(database);
    return prepare(database);
  });
  return {
    openKeyIntent: (intent) =>
      guarded(() => {
        sql.openIntent.run(
          intent.intentId,
          intent.issuer,
          intent.projectId ?? null,
          intent.deviceId,
          intent.userId,
          JSON.stringify(intent.keyIdsBefore),
          intent.expiresAt,
          intent.createdAt,
        );
      }),
    settleKeyIntent: (intentId, state, keyId) =>
      guarded(() => {
        const { changes } = sql.settleIntent.run(state, keyId ?? null, intentId);
        if (changes !== 1) throw new Error(`There is no key intent ${intentId}.`);
      }),
    unsettledKeyIntents: ({ issuer, projectId }) =>
      guarded(() => sql.unsettledIntents.all(issuer, projectId).map(intentOf)),
    recordRun: (run) =>
      guarded(() => {
        sql.recordRun.run(
          run.batchId,
          run.deviceId,
          run.target,
          run.state,
          run.attempt,
          run.startedAt,
          run.finishedAt ?? null,
          run.errorCode ?? null,
          run.roundTrips,
        );
      }),
    latestRuns: () => guarded(() => sql.latestRuns.all().map(runOf)),
    giveId: ({ issuer, projectId }, deviceId, board) =>
      guarded(() => {
        sql.giveId.run(
          issuer,
          projectId,
          deviceId,
          board.serial ?? null,
          board.machineId ?? null,
          board.hostKey ?? null,
          board.target,
          board.givenAt,
        );
      }),
    boardOf: ({ issuer, projectId }, deviceId) =>
      guarded(() => {
        const row: unknown = sql.boardOf.get(issuer, projectId, deviceId);
        return row === undefined ? undefined : boardOf(row);
      }),
    idsOfSerial: ({ issuer, projectId }, serial) =>
      guarded(() => z.array(z.string()).parse(sql.idsOfSerial.all(issuer, projectId, serial))),
    releaseId: ({ issuer, projectId }, deviceId) =>
      guarded(() => void sql.releaseId.run(issuer, projectId, deviceId)),
    hostKey: (place) =>
      guarded(() => {
        const row = hostKeyRow.parse(sql.hostKey.get(place));
        return row && { fingerprint: row.fingerprint, keyType: row.key_type ?? undefined };
      }),
    pinHostKey: (place, { fingerprint, keyType }, at) =>
      guarded(() => void sql.pinHostKey.run(place, fingerprint, keyType ?? null, at)),
    close: () => guarded(() => void database.close()),
  };
}

/**
 * Opens the station's journal, made if missing: SQLite in WAL mode, file 0600 in a folder 0700. Every write is
 * on the disk when its call returns.
 * @throws STATION_JOURNAL_FAILED, also when the file is damaged or of a newer station.
 */
export function openJournal(path: string): Journal {
  const guarded = guardFor(path);
  return journalOn(
    guarded(() => {
      makePrivateFile(path);
      return new Database(path);
    }),
    guarded,
  );
}

/** The journal of a station's folder. @throws STATION_JOURNAL_FAILED */
export function openStationJournal(userDataDir: string): Journal {
  return openJournal(join(userDataDir, 'journal.sqlite'));
}

/** A journal that is gone when it is closed, with the same tables and rules. */
export function openMemoryJournal(): Journal {
  return journalOn(new Database(':memory:'), guardFor(':memory:'));
}

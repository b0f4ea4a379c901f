/**
 * The journal's schema, step by step. A migration that was released is never changed; a new one is appended.
 * Instants are milliseconds since 1970, UTC. No column may hold a secret.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE key_intent (
    intent_id      TEXT PRIMARY KEY,
    issuer         TEXT NOT NULL,
    device_id      TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    key_ids_before TEXT NOT NULL,
    expires_at     INTEGER NOT NULL,
    key_id         TEXT,
    state          TEXT NOT NULL
      CHECK (state IN ('minting', 'minted', 'delivering', 'delivered', 'deleted')),
    created_at     INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX key_intent_unsettled ON key_intent (issuer, created_at) WHERE state NOT IN ('delivered', 'deleted');

  CREATE TABLE run (
    run_number  INTEGER PRIMARY KEY,
    batch_id    TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    target      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('running', 'enrolled', 'failed', 'stopped')),
    attempt     INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    error_code  TEXT,
    round_trips INTEGER NOT NULL,
    UNIQUE (batch_id, device_id, attempt)
  ) STRICT;
  CREATE INDEX run_by_device ON run (device_id, started_at, run_number);

  CREATE TABLE host_key (
    target      TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    pinned_at   INTEGER NOT NULL
  ) STRICT;
  `,
  // With the key's type the station can ask for that very key of a device that has several. NULL: pinned before.
  'ALTER TABLE host_key ADD COLUMN key_type TEXT',
  // A device that was taken out of the fleet; SQLite changes a CHECK only with its table.
  `
  CREATE TABLE run_with_decommissions (
    run_number  INTEGER PRIMARY KEY,
    batch_id    TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    target      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('running', 'enrolled', 'failed', 'stopped', 'decommissioned')),
    attempt     INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    error_code  TEXT,
    round_trips INTEGER NOT NULL,
    UNIQUE (batch_id, device_id, attempt)
  ) STRICT;
  INSERT INTO run_with_decommissions SELECT * FROM run;
  DROP TABLE run;
  ALTER TABLE run_with_decommissions RENAME TO run;
  CREATE INDEX run_by_device ON run (device_id, started_at, run_number);
  `,
  // A key is asked for in the organisation of its project: elsewhere a live one looks deleted. NULL: opened before.
  'ALTER TABLE key_intent ADD COLUMN project_id TEXT',
  // Which board has an id. An id without a row was given before, or to nobody.
  `
  CREATE TABLE board (
    issuer     TEXT NOT NULL,
    project_id TEXT NOT NULL,
    device_id  TEXT NOT NULL,
    serial     TEXT,
    machine_id TEXT,
    host_key   TEXT,
    target     TEXT NOT NULL,
    given_at   INTEGER NOT NULL,
    PRIMARY KEY (issuer, project_id, device_id)
  ) STRICT;
  `,
];

import type { BoardIdentity } from '../../model/board-identity.ts';
import type { HostKeyPins } from './devices.ts';

/** Life of a key that may be live without a holder. */
export type KeyIntentState = 'minting' | 'minted' | 'delivering' | 'delivered' | 'deleted';

/**
 * Where a key lives: its provider, and the fleet's project there. A project belongs to one organisation, and a provider
 * tells whoever acts in another one that a live key is not there.
 */
export interface KeyRealm {
  readonly issuer: string;
  readonly projectId: string;
}

export interface KeyIntent {
  readonly intentId: string;
  readonly issuer: string;
  /** Undefined in entries from before it was noted: such a key may be of any project of its issuer. */
  readonly projectId: string | undefined;
  readonly deviceId: string;
  readonly userId: string;
  /** Keys the user had before; a key of a lost reply is one that is not among them. */
  readonly keyIdsBefore: readonly string[];
  /**
   * Expiry the key is asked for, a different one for every key: it tells this key from one that another station
   * has made for the same user.
   */
  readonly expiresAt: number;
  readonly keyId: string | undefined;
  readonly state: KeyIntentState;
  readonly createdAt: number;
}

export interface RunRecord {
  readonly batchId: string;
  readonly deviceId: string;
  readonly target: string;
  /** `decommissioned`: its account is gone; then `errorCode` names what of it could not be taken away. */
  readonly state: 'running' | 'enrolled' | 'failed' | 'stopped' | 'decommissioned';
  readonly attempt: number;
  readonly startedAt: number;
  readonly finishedAt: number | undefined;
  readonly errorCode: string | undefined;
  readonly roundTrips: number;
}

/** The board that has a device id, as it was last seen. */
export interface BoardOnRecord extends BoardIdentity {
  /** Where it was reached. */
  readonly target: string;
  /** When the id became this board's. */
  readonly givenAt: number;
}

/** Write-ahead journal of the station. Every write is on disk when the call returns. Holds no secret. */
export interface Journal extends HostKeyPins {
  /** Written before the mint call. @throws STATION_JOURNAL_FAILED: then nothing may be minted. */
  openKeyIntent(intent: Omit<KeyIntent, 'state' | 'keyId'>): void;
  settleKeyIntent(intentId: string, state: KeyIntentState, keyId?: string): void;
  /** Intents of this realm that are neither delivered nor deleted, oldest first. */
  unsettledKeyIntents(realm: KeyRealm): readonly KeyIntent[];
  recordRun(run: RunRecord): void;
  /** Newest run of every device. */
  latestRuns(): readonly RunRecord[];
  /** From now on the id is this board's, whosever it was. Written before anything is made for the id. */
  giveId(realm: KeyRealm, deviceId: string, board: BoardOnRecord): void;
  /** The board that has this id; undefined where none has, or was given it before boards were kept. */
  boardOf(realm: KeyRealm, deviceId: string): BoardOnRecord | undefined;
  /** The ids that boards with this serial number were given: more than one where a board was enrolled anew under another. */
  idsOfSerial(realm: KeyRealm, serial: string): readonly string[];
  /** The id is nobody's any more. */
  releaseId(realm: KeyRealm, deviceId: string): void;
  close(): void;
}

import { isOfRealm } from '../engine/key-realm.ts';
import type {
  BoardOnRecord,
  Journal,
  KeyIntent,
  KeyIntentState,
  KeyRealm,
  PinnedHostKey,
  RunRecord,
} from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';

/** A journal in memory that can refuse to write. It survives the station that wrote it, as the file does. */
export class MemoryJournal implements Journal {
  readonly intents = new Map<string, KeyIntent>();
  readonly runs: RunRecord[] = [];
  readonly hostKeys = new Map<string, PinnedHostKey>();
  /** By realm and id. */
  readonly boards = new Map<string, BoardOnRecord>();
  refusesWrites = false;
  isClosed = false;

  openKeyIntent(intent: Omit<KeyIntent, 'state' | 'keyId'>): void {
    this.#requireWritable();
    this.intents.set(intent.intentId, { ...intent, state: 'minting', keyId: undefined });
  }

  settleKeyIntent(intentId: string, state: KeyIntentState, keyId?: string): void {
    this.#requireWritable();
    const intent = this.intents.get(intentId);
    if (intent === undefined) throw new Error(`No intent ${intentId} was opened.`);
    this.intents.set(intentId, { ...intent, state, keyId: keyId ?? intent.keyId });
  }

  unsettledKeyIntents(realm: KeyRealm): readonly KeyIntent[] {
    return [...this.intents.values()].filter(
      (intent) => isOfRealm(intent, realm) && intent.state !== 'delivered' && intent.state !== 'deleted',
    );
  }

  recordRun(run: RunRecord): void {
    this.#requireWritable();
    this.runs.push(run);
  }

  latestRuns(): readonly RunRecord[] {
    return [...new Map(this.runs.map((run) => [run.deviceId, run])).values()];
  }

  giveId(realm: KeyRealm, deviceId: string, board: BoardOnRecord): void {
    this.#requireWritable();
    this.boards.set(placeOf(realm, deviceId), board);
  }

  boardOf(realm: KeyRealm, deviceId: string): BoardOnRecord | undefined {
    return this.boards.get(placeOf(realm, deviceId));
  }

  idsOfSerial(realm: KeyRealm, serial: string): readonly string[] {
    const before = placeOf(realm, '');
    return [...this.boards]
      .filter(([place, board]) => place.startsWith(before) && board.serial === serial)
      .map(([place]) => place.slice(before.length));
  }

  releaseId(realm: KeyRealm, deviceId: string): void {
    this.#requireWritable();
    this.boards.delete(placeOf(realm, deviceId));
  }

  hostKey(place: string): PinnedHostKey | undefined {
    return this.hostKeys.get(place);
  }

  pinHostKey(place: string, key: PinnedHostKey): void {
    this.#requireWritable();
    this.hostKeys.set(place, key);
  }

  close(): void {
    this.isClosed = true;
  }

  #requireWritable(): void {
    if (this.refusesWrites)
      throw new EnrollmentError('STATION_JOURNAL_FAILED', { details: { path: 'journal.db' } });
  }
}

function placeOf({ issuer, projectId }: KeyRealm, deviceId: string): string {
  return [issuer, projectId, deviceId].join(' ');
}

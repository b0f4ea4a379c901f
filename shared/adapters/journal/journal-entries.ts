import { z } from 'zod';
import { isOfRealm } from '../../engine/key-realm.ts';
import type { BoardOnRecord, KeyIntent, KeyRealm, PinnedHostKey, RunRecord } from '../../engine/ports.ts';

/**
 * Lines of the journal file. The first names format and version; every other is one write. A form that was released is
 * never changed: a new one gets a new name or a new version. No line may hold a secret.
 */
const instant = z.number().int();
const intentStates = ['minting', 'minted', 'delivering', 'delivered', 'deleted'] as const;

export const headerSchema = z.object({ journal: z.literal('muster'), version: z.number().int() });
export const JOURNAL_VERSION = 1;

const intentSchema = z.object({
  intentId: z.string(),
  issuer: z.string(),
  /** Not known of keys that were asked for before projects were kept. */
  projectId: z.string().optional(),
  deviceId: z.string(),
  userId: z.string(),
  keyIdsBefore: z.array(z.string()),
  expiresAt: instant,
  createdAt: instant,
});
const runSchema = z.object({
  batchId: z.string(),
  deviceId: z.string(),
  target: z.string(),
  state: z.enum(['running', 'enrolled', 'failed', 'stopped']),
  attempt: z.number().int(),
  startedAt: instant,
  finishedAt: instant.optional(),
  errorCode: z.string().optional(),
  roundTrips: z.number().int(),
});
/** A device that was taken out of the fleet. */
const decommissionSchema = runSchema.extend({ state: z.literal('decommissioned') });

const hostKeySchema = z.object({
  target: z.string(),
  fingerprint: z.string(),
  at: instant,
  /** Not known of keys that were pinned before types were kept. */
  keyType: z.string().optional(),
});

/** An id that is nobody's any more. */
const releasedSchema = z.object({ issuer: z.string(), projectId: z.string(), deviceId: z.string() });
/** The board that has an id. */
const boardSchema = releasedSchema.extend({
  serial: z.string().optional(),
  machineId: z.string().optional(),
  hostKey: z.string().optional(),
  target: z.string(),
  givenAt: instant,
});

export const entrySchema = z.union([
  z.object({ intent: intentSchema }),
  z.object({
    settle: z.object({ intentId: z.string(), state: z.enum(intentStates), keyId: z.string().optional() }),
  }),
  z.object({ run: runSchema }),
  z.object({ decommission: decommissionSchema }),
  z.object({ hostKey: hostKeySchema }),
  z.object({ board: boardSchema }),
  z.object({ released: releasedSchema }),
]);
export type Entry = z.infer<typeof entrySchema>;

/** Everything the lines of a journal add up to. */
export class JournalContent {
  readonly #intents = new Map<string, KeyIntent>();
  readonly #runs = new Map<string, RunRecord>();
  readonly #hostKeys = new Map<string, z.infer<typeof hostKeySchema>>();
  readonly #boards = new Map<string, z.infer<typeof boardSchema>>();

  /** Throws where a write is not possible on what is there; then nothing is changed. */
  check(entry: Entry): void {
    if ('intent' in entry && this.#intents.has(entry.intent.intentId))
      throw new Error(`There is a key intent ${entry.intent.intentId} already.`);
    if ('settle' in entry && !this.#intents.has(entry.settle.intentId))
      throw new Error(`There is no key intent ${entry.settle.intentId}.`);
  }

  apply(entry: Entry): void {
    this.check(entry);
    if ('intent' in entry) {
      const { intent } = entry;
      const { projectId } = intent;
      this.#intents.set(intent.intentId, { ...intent, projectId, state: 'minting', keyId: undefined });
    } else if ('settle' in entry) {
      const { intentId, state, keyId } = entry.settle;
      const intent = this.#intents.get(intentId);
      if (intent) this.#intents.set(intentId, { ...intent, state, keyId: keyId ?? intent.keyId });
    } else if ('run' in entry) this.#applyRun(entry.run);
    else if ('decommission' in entry) this.#applyRun(entry.decommission);
    else if ('board' in entry) this.#boards.set(placeOf(entry.board), entry.board);
    else if ('released' in entry) this.#boards.delete(placeOf(entry.released));
    else this.#hostKeys.set(entry.hostKey.target, entry.hostKey);
  }

  /** One entry for each attempt of a device in a batch; the newest of every device counts. */
  #applyRun(run: z.infer<typeof runSchema> | z.infer<typeof decommissionSchema>): void {
    const record: RunRecord = { ...run, finishedAt: run.finishedAt, errorCode: run.errorCode };
    const newest = this.#runs.get(run.deviceId);
    const isSameAttempt = newest?.batchId === run.batchId && newest.attempt === run.attempt;
    if (newest === undefined || isSameAttempt || run.startedAt >= newest.startedAt)
      this.#runs.set(run.deviceId, record);
  }

  unsettledIntents(realm: KeyRealm): KeyIntent[] {
    return this.#unsettled().filter((intent) => isOfRealm(intent, realm));
  }

  #unsettled(): KeyIntent[] {
    return [...this.#intents.values()]
      .filter(({ state }) => state !== 'delivered' && state !== 'deleted')
      .sort((a, b) => a.createdAt - b.createdAt);
  }

  latestRuns(): RunRecord[] {
    return [...this.#runs.values()].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
  }

  hostKey(place: string): PinnedHostKey | undefined {
    const found = this.#hostKeys.get(place);
    return found && { fingerprint: found.fingerprint, keyType: found.keyType };
  }

  boardOf({ issuer, projectId }: KeyRealm, deviceId: string): BoardOnRecord | undefined {
    const found = this.#boards.get(placeOf({ issuer, projectId, deviceId }));
    return (
      found && {
        ...{ serial: found.serial, machineId: found.machineId, hostKey: found.hostKey },
        ...{ target: found.target, givenAt: found.givenAt },
      }
    );
  }

  idsOfSerial(realm: KeyRealm, serial: string): string[] {
    return [...this.#boards.values()]
      .filter((board) => isOfRealm(board, realm) && board.serial === serial)
      .map((board) => board.deviceId)
      .sort();
  }

  /** The fewest entries that add up to the same; intents that are settled are told no more. */
  entries(): Entry[] {
    const intents = this.#unsettled().flatMap(({ state, keyId, ...intent }): Entry[] => [
      { intent: { ...intent, keyIdsBefore: [...intent.keyIdsBefore] } },
      ...(state === 'minting' ? [] : [{ settle: { intentId: intent.intentId, state, keyId } }]),
    ]);
    const runs = this.latestRuns().map(entryOfRun);
    const hostKeys = [...this.#hostKeys.values()].map((hostKey): Entry => ({ hostKey }));
    const boards = [...this.#boards.values()].map((board): Entry => ({ board }));
    return [...hostKeys, ...boards, ...runs, ...intents];
  }
}

function placeOf({ issuer, projectId, deviceId }: z.infer<typeof releasedSchema>): string {
  return JSON.stringify([issuer, projectId, deviceId]);
}

/** What is written of a run. */
export function entryOfRun({ state, ...run }: RunRecord): Entry {
  return state === 'decommissioned' ? { decommission: { ...run, state } } : { run: { ...run, state } };
}

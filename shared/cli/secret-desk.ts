import type { SecretNeeded } from '../errors/remedy.ts';
import type { Secret } from '../model/secret.ts';
import type { EnrollmentRow } from '../model/station-state.ts';

/** A wrong answer can be corrected this often; then the devices fail with what they say. */
export const MOST_QUESTIONS = 3;

export const secretInputs = {
  'ssh-password': 'sshPassword',
  'sudo-password': 'sudoPassword',
  'key-passphrase': 'keyPassphrase',
} as const satisfies Record<SecretNeeded, string>;

/** What a question calls it. */
export const secretWords = {
  'ssh-password': 'SSH password',
  'sudo-password': 'sudo password',
  'key-passphrase': 'Passphrase of the SSH key',
} as const satisfies Record<SecretNeeded, string>;

export interface SecretDeskOptions {
  /** Asks on the terminal; undefined: nothing was entered. */
  ask(kind: SecretNeeded, rows: readonly EnrollmentRow[]): Promise<Secret | undefined>;
  retry(deviceIds: readonly string[], kind: SecretNeeded, answer: Secret): Promise<void>;
}

/**
 * Asks for a secret once for all devices that need it: those that failed while it is being typed get it too, and those
 * that fail later with the same need without another question. Only where the answer itself was refused is it asked again.
 */
export class SecretDesk {
  readonly #options: SecretDeskOptions;
  readonly #answers = new Map<SecretNeeded, Secret>();
  readonly #questions = new Map<SecretNeeded, number>();
  readonly #waiting = new Map<SecretNeeded, Map<string, EnrollmentRow>>();
  /** Devices that have had the newest answer. */
  readonly #served = new Map<SecretNeeded, Set<string>>();
  readonly #refused = new Set<SecretNeeded>();
  #work: Promise<void> | undefined;
  #failure: unknown;

  constructor(options: SecretDeskOptions) {
    this.#options = options;
  }

  /** Takes a row that has just failed. */
  take(row: EnrollmentRow): void {
    const kind = row.error?.secretNeeded;
    if (kind === undefined || this.#refused.has(kind)) return;
    const waiting = this.#waiting.get(kind) ?? new Map<string, EnrollmentRow>();
    waiting.set(row.deviceId, row);
    this.#waiting.set(kind, waiting);
    this.#work ??= this.#serve().finally(() => {
      this.#work = undefined;
    });
  }

  /** Resolves when every question is answered. @throws what asking or retrying threw */
  async whenIdle(): Promise<void> {
    await this.#work;
    if (this.#failure !== undefined) throw this.#failure;
  }

  get isBusy(): boolean {
    return this.#work !== undefined;
  }

  async #serve(): Promise<void> {
    try {
      // Whatever reported this row is done with it first.
      await Promise.resolve();
      for (;;) {
        const [kind] = [...this.#waiting].find(([, rows]) => rows.size > 0) ?? [];
        if (kind === undefined) return;
        await this.#serveKind(kind);
      }
    } catch (thrown) {
      this.#failure = thrown;
    }
  }

  async #serveKind(kind: SecretNeeded): Promise<void> {
    const served = this.#served.get(kind) ?? new Set<string>();
    this.#served.set(kind, served);
    const rows = [...(this.#waiting.get(kind)?.values() ?? [])];
    const wasRefused = rows.some((row) => served.has(row.deviceId));
    if (wasRefused || !this.#answers.has(kind)) {
      const answer = await this.#question(kind, rows);
      if (answer === undefined) {
        this.#refused.add(kind);
        this.#waiting.delete(kind);
        return;
      }
      this.#answers.set(kind, answer);
      served.clear();
    }
    const answer = this.#answers.get(kind);
    const deviceIds = [...(this.#waiting.get(kind)?.keys() ?? [])];
    this.#waiting.delete(kind);
    for (const deviceId of deviceIds) served.add(deviceId);
    if (answer !== undefined) await this.#options.retry(deviceIds, kind, answer);
  }

  async #question(kind: SecretNeeded, rows: readonly EnrollmentRow[]): Promise<Secret | undefined> {
    const asked = (this.#questions.get(kind) ?? 0) + 1;
    this.#questions.set(kind, asked);
    return asked > MOST_QUESTIONS ? undefined : this.#options.ask(kind, rows);
  }
}

import { mkdir } from 'node:fs/promises';
import { createPorts } from '#shared/adapters/create-ports.ts';
import { openStationJournal } from '#shared/adapters/journal/journal.ts';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import type { TokenCache } from '#shared/engine/ports.ts';
import { createStation, type Station } from '#shared/engine/station.ts';
import type { LogLine, StationDelta, StationState } from '#shared/model/station-state.ts';
import { approveAsLabOperator } from './identity/operator-walk.ts';

export interface LabStationOptions {
  readonly profilePath: string;
  readonly userDataDir: string;
  readonly version: string;
  /** Where the sign-in is remembered; memory where a terminal run must leave nothing behind. */
  readonly tokenCache: TokenCache;
  readonly signal: AbortSignal;
  onDelta?(delta: StationDelta): void;
  onLog?(deviceId: string, lines: readonly LogLine[]): void;
  onApproving?(page: string): void;
}

/** The sign-in page as this station's browser: who decides on it, and what went wrong there. */
interface SignInPage {
  decide(url: string): Promise<void>;
  failure: unknown;
  onFailed(): void;
}

/**
 * The real core on a lab's profile, without a window: the same ports as the app, except that the browser is the
 * lab's operator, who approves the code through the sign-in page's own forms.
 */
export class LabStation {
  readonly station: Station;
  readonly #waiting = new Set<() => void>();

  readonly #page: SignInPage;

  constructor(
    station: (publish: (delta: StationDelta) => void) => Station,
    page: SignInPage,
    options: LabStationOptions,
  ) {
    this.#page = page;
    page.onFailed = () => this.#look();
    this.station = station((delta) => {
      options.onDelta?.(delta);
      this.#look();
    });
  }

  static async open(options: LabStationOptions): Promise<LabStation> {
    await mkdir(options.userDataDir, { recursive: true, mode: 0o700 });
    const profile = await loadProfile(options.profilePath, options.signal);
    const page: SignInPage = {
      decide: (url) => approveAsLabOperator({ verificationUriComplete: url, signal: options.signal }),
      failure: undefined,
      onFailed: () => undefined,
    };
    const ports = createPorts({
      profile,
      userDataDir: options.userDataDir,
      tokenCache: options.tokenCache,
      openJournal: openStationJournal,
      openBrowser: async (url) => {
        options.onApproving?.(url);
        try {
          await page.decide(url);
          return true;
        } catch (error) {
          page.failure = error;
          page.onFailed();
          return false;
        }
      },
    });
    return new LabStation(
      (publish) =>
        createStation({
          ...{ ports, profile, stationName: 'lab', version: options.version, publish },
          publishLog: (deviceId, lines) => options.onLog?.(deviceId, lines),
        }),
      page,
      options,
    );
  }

  get state(): StationState {
    return this.station.state;
  }

  /** What happens with a sign-in page from now on, instead of the lab's operator approving it. */
  answerCodesWith(answer: (url: string) => Promise<void>): void {
    this.#page.decide = answer;
  }

  #look(): void {
    for (const check of [...this.#waiting]) check();
  }

  /**
   * Signs in by device code.
   * @throws with the operator's sentences when it is refused, and when the sign-in page fails: nobody else is there
   * to open it, and the code would only expire.
   */
  async signIn(signal: AbortSignal): Promise<void> {
    await this.station.start();
    if (this.state.session.state === 'signed-in') return;
    this.#page.failure = undefined;
    await this.station.handle('session.signIn', null);
    await this.until(
      (state) =>
        state.session.state === 'signed-in' ||
        state.session.state === 'signed-out' ||
        this.#page.failure !== undefined,
      signal,
    );
    const { session } = this.state;
    if (session.state === 'awaiting-approval' && this.#page.failure !== undefined) {
      await this.station.handle('session.cancel', null);
      const { failure } = this.#page;
      throw new Error(
        `The sign-in page failed: ${failure instanceof Error ? failure.message : String(failure)}`,
      );
    }
    if (session.state === 'signed-out') {
      const error = session.error;
      throw new Error(
        error
          ? `${error.says} ${error.operatorDoes} (${error.code}) ${error.evidence ?? ''}`
          : 'The sign-in was cancelled.',
      );
    }
  }

  /** Enrolls every device of the bench and waits until nothing runs any more. */
  async enrollAll(): Promise<void> {
    const rowIds = this.state.bench.map((row) => row.rowId);
    await this.station.handle('batch.start', { rowIds });
    await this.station.whenBatchIdle();
  }

  /** Resolves as soon as the state is as asked. */
  until(isSo: (state: StationState) => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(check);
        signal.removeEventListener('abort', onAbort);
      };
      const check = (): void => {
        if (!isSo(this.state)) return;
        settle();
        resolve();
      };
      const onAbort = (): void => {
        settle();
        reject(signal.reason);
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(check);
      check();
    });
  }

  async close(): Promise<void> {
    await this.station.shutDown();
  }
}

import type { UtilityProcess } from 'electron';
import {
  type EngineMessage,
  engineMessageSchema,
  type InvokeChannel,
  type NotifyChannel,
  type Result,
  resultSchema,
} from '#shared/contract/ipc.ts';
import { EnrollmentError } from '#shared/errors/enrollment-error.ts';
import { endChild, forkChild } from './child-process.ts';
import { errorAnswer } from './ipc/answers.ts';
import { restartDelayMs } from './restart-policy.ts';

const CALL_LIMIT_MS = 60_000;
/** A running batch takes back what it began, keys that no device holds: 20 s at most, and some to end after it. */
const SHUT_DOWN_LIMIT_MS = 25_000;

export interface EngineOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly extraEnv: Readonly<Record<string, string>>;
  /** The engine answers from now on. `restarted`: it is not the first one. */
  readonly onReady: (restarted: boolean) => void;
  readonly onNotify: (channel: NotifyChannel, json: string) => void;
  /** Crashed too often: nothing will be started again. */
  readonly onGivenUp: () => void;
  readonly openBrowser: (url: string) => Promise<boolean>;
  /** The proxy of this computer for an address, as a PAC file answers. */
  readonly resolveProxy: (url: string) => Promise<string>;
  readonly warn: (text: string) => void;
}

interface OutstandingCall {
  readonly settle: (answer: string) => void;
  readonly timer: NodeJS.Timeout;
}

/** The engine in its utility process: passes calls on, restarts it after a crash, ends it with the app. */
export class EngineProcess {
  readonly #options: EngineOptions;
  readonly #calls = new Map<number, OutstandingCall>();
  readonly #crashes: number[] = [];
  #child: UtilityProcess | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #lastCallId = 0;
  #stopped = false;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stopped) return;
    const child = forkChild({
      file: this.#options.file,
      serviceName: 'muster-engine',
      args: this.#options.args,
      extraEnv: this.#options.extraEnv,
    });
    this.#child = child;
    child.on('message', (message: unknown) => this.#onMessage(message));
    child.once('exit', (status) => this.#onExit(status));
  }

  /** Passes a checked request on; gives the answer, a failure included. Never rejects. */
  async call<C extends InvokeChannel>(channel: C, input: unknown): Promise<Result<unknown>> {
    const child = this.#child;
    const json =
      child === undefined ? engineLost('It is not running.') : await this.#send(child, channel, input);
    return readAnswer(channel, json);
  }

  /** Lets the engine finish what it must, then ends it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restartTimer);
    if (this.#child !== undefined) await endChild(this.#child, SHUT_DOWN_LIMIT_MS);
  }

  #send(child: UtilityProcess, channel: InvokeChannel, input: unknown): Promise<string> {
    this.#lastCallId += 1;
    const id = this.#lastCallId;
    return new Promise((settle) => {
      const timer = setTimeout(() => {
        this.#settle(id, engineLost(`No answer to ${channel} within ${CALL_LIMIT_MS / 1000} s.`));
      }, CALL_LIMIT_MS);
      this.#calls.set(id, { settle, timer });
      post(child, { type: 'call', id, channel, json: JSON.stringify(input) });
    });
  }

  #onMessage(raw: unknown): void {
    const parsed = engineMessageSchema.safeParse(raw);
    if (!parsed.success) {
      this.#options.warn(`The engine sent a message that is not in the contract: ${parsed.error.message}`);
      return;
    }
    const message = parsed.data;
    if (message.type === 'answer') this.#settle(message.id, message.json);
    else if (message.type === 'notify') this.#options.onNotify(message.channel, message.json);
    else if (message.type === 'ready') this.#options.onReady(this.#crashes.length > 0);
    else if (message.type === 'open-browser') void this.#openBrowser(message.url);
    else if (message.type === 'resolve-proxy') void this.#resolveProxy(message.id, message.url);
    else this.#options.warn(`The engine sent "${message.type}", which only the main process sends.`);
  }

  async #openBrowser(url: string): Promise<void> {
    const child = this.#child;
    const opened = await this.#options.openBrowser(url);
    if (child !== undefined && child === this.#child) post(child, { type: 'browser-opened', opened });
  }

  async #resolveProxy(id: number, url: string): Promise<void> {
    const child = this.#child;
    try {
      const answer = await this.#options.resolveProxy(url);
      if (child !== undefined && child === this.#child) post(child, { type: 'proxy', id, answer });
    } catch (thrown) {
      // Without an answer the engine says so at its limit.
      this.#options.warn(`The proxy of this computer is not known: ${String(thrown)}`);
    }
  }

  #settle(id: number, answer: string): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    clearTimeout(call.timer);
    call.settle(answer);
  }

  #onExit(status: number): void {
    this.#child = undefined;
    for (const id of [...this.#calls.keys()]) this.#settle(id, engineLost(`It ended with status ${status}.`));
    if (this.#stopped) return;
    this.#options.warn(`The engine ended with status ${status}.`);
    this.#crashes.push(Date.now());
    const delayMs = restartDelayMs(this.#crashes);
    if (delayMs === undefined) this.#options.onGivenUp();
    else this.#restartTimer = setTimeout(() => this.start(), delayMs);
  }
}

function post(child: UtilityProcess, message: EngineMessage): void {
  child.postMessage(message);
}

function engineLost(evidence: string): string {
  return errorAnswer(new EnrollmentError('STATION_ENGINE_LOST', { evidence }));
}

/** The answer in the contract's shape; another shape is a fault of the engine and says so. */
function readAnswer<C extends InvokeChannel>(channel: C, json: string): Result<unknown> {
  try {
    return resultSchema(channel).parse(JSON.parse(json));
  } catch (error) {
    const evidence = `The answer to ${channel} has not the agreed shape.`;
    return JSON.parse(errorAnswer(new EnrollmentError('STATION_BUG', { evidence, cause: error })));
  }
}

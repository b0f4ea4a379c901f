import {
  type EngineChannel,
  type EngineMessage,
  engineMessageSchema,
  type Input,
  type InvokeChannel,
  ipc,
  type NotifyChannel,
  type Output,
  type Payload,
  type SetUpChannel,
} from '#shared/contract/ipc.ts';
import { EnrollmentError, toErrorView } from '#shared/errors/enrollment-error.ts';
import type { SetUpView } from '#shared/model/set-up-view.ts';
import type { LogLine, StationDelta } from '#shared/model/station-state.ts';
import { Coalescer } from './coalesce.ts';

/** One message per frame of a usual screen. */
const FRAME_MS = 16;
const BROWSER_LIMIT_MS = 15_000;
/** A PAC file may have to be fetched first. */
const PROXY_LIMIT_MS = 10_000;

/** The core as the host sees it. */
export interface HostedStation {
  handle<C extends EngineChannel>(channel: C, input: Input<C>): Promise<Output<C>>;
  shutDown(): Promise<void>;
}

/** The guided set-up; there with and without a station. */
export interface HostedSetUp {
  handle<C extends SetUpChannel>(channel: C, input: Input<C>): Promise<Output<C>>;
  leave(): void;
}

/** What the process answers with. */
interface Hosted {
  readonly station: HostedStation;
  readonly setUp: HostedSetUp;
}

/** The wire to the main process. */
export interface EnginePort {
  post(message: EngineMessage): void;
  onMessage(listener: (raw: unknown) => void): void;
}

export interface EngineHostOptions {
  readonly port: EnginePort;
  readonly after: (ms: number, callback: () => void) => () => void;
  /** Ends the process. */
  readonly exit: (status: number) => void;
  readonly warn: (event: string, error: unknown) => void;
}

/** Speaks for the core with the main process: checks what comes and what goes, and gathers what changes often. */
export class EngineHost {
  readonly #options: EngineHostOptions;
  readonly #coalescer: Coalescer;
  readonly #browserAnswers: ((opened: boolean) => void)[] = [];
  readonly #proxyAnswers = new Map<number, (answer: string) => void>();
  #lastProxyId = 0;

  constructor(options: EngineHostOptions) {
    this.#options = options;
    this.#coalescer = new Coalescer({
      intervalMs: FRAME_MS,
      after: options.after,
      sendDelta: (delta) => this.#notify('station.delta', delta),
      sendLog: (deviceId, lines) => this.#notify('device.log', { deviceId, lines: [...lines] }),
    });
  }

  /** Passes a change of the state on to the window. */
  publish(delta: StationDelta): void {
    this.#coalescer.addDelta(delta);
  }

  /** Passes lines of the followed device's log on to the window. */
  publishLog(deviceId: string, lines: readonly LogLine[]): void {
    this.#coalescer.addLog(deviceId, lines);
  }

  /** Passes on how the guided set-up stands. */
  publishSetUp(view: SetUpView): void {
    this.#notify('setup.changed', view);
  }

  /** Asks the main process to open the sign-in page; false when it could not, or did not answer in time. */
  openBrowser(url: string): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (opened: boolean): void => {
        cancel();
        const place = this.#browserAnswers.indexOf(settle);
        if (place >= 0) this.#browserAnswers.splice(place, 1);
        resolve(opened);
      };
      const cancel = this.#options.after(BROWSER_LIMIT_MS, () => settle(false));
      this.#browserAnswers.push(settle);
      this.#options.port.post({ type: 'open-browser', url });
    });
  }

  /**
   * Asks the main process which proxy this computer uses for an address.
   * @throws an Error when it does not answer: guessing would send the sign-in another way than the computer is set to
   */
  resolveProxy(url: string): Promise<string> {
    this.#lastProxyId += 1;
    const id = this.#lastProxyId;
    return new Promise((resolve, reject) => {
      const cancel = this.#options.after(PROXY_LIMIT_MS, () => {
        this.#proxyAnswers.delete(id);
        reject(new Error(`This computer did not say within ${PROXY_LIMIT_MS / 1000} s which proxy it uses.`));
      });
      this.#proxyAnswers.set(id, (answer) => {
        cancel();
        this.#proxyAnswers.delete(id);
        resolve(answer);
      });
      this.#options.port.post({ type: 'resolve-proxy', id, url });
    });
  }

  /** Begins to answer. */
  serve(hosted: Hosted): void {
    this.#options.port.onMessage((raw) => {
      const message = engineMessageSchema.safeParse(raw);
      if (!message.success) this.#options.warn('message-invalid', message.error);
      else if (message.data.type === 'call') void this.#answer(hosted, message.data);
      else if (message.data.type === 'browser-opened') this.#browserAnswers[0]?.(message.data.opened);
      else if (message.data.type === 'proxy') this.#proxyAnswers.get(message.data.id)?.(message.data.answer);
      else if (message.data.type === 'shut-down') void this.#shutDown(hosted);
      else this.#options.warn('message-unexpected', message.data.type);
    });
    this.#options.port.post({ type: 'ready' });
  }

  async #answer(hosted: Hosted, call: Extract<EngineMessage, { type: 'call' }>): Promise<void> {
    const json = await this.#resultOf(hosted, call.channel, call.json);
    this.#options.port.post({ type: 'answer', id: call.id, json });
  }

  async #resultOf(hosted: Hosted, channel: InvokeChannel, json: string): Promise<string> {
    try {
      if (ipc[channel].by === 'main') throw refused(`${channel} is not answered by the engine`);
      const input = ipc[channel].input.safeParse(JSON.parse(json));
      if (!input.success) throw refused(`${channel} has another shape`);
      const value = isSetUpChannel(channel)
        ? await hosted.setUp.handle(channel, input.data as Input<typeof channel>)
        : await hosted.station.handle(channel as EngineChannel, input.data as Input<EngineChannel>);
      return JSON.stringify({ ok: true, value: ipc[channel].output.parse(value) });
    } catch (error) {
      const view = toErrorView(error);
      // The window gets a sentence; the stack of a bug is for the log.
      if (view.code === 'STATION_BUG') this.#options.warn(`call-failed ${channel}`, error);
      return JSON.stringify({ ok: false, error: view });
    }
  }

  async #shutDown({ station, setUp }: Hosted): Promise<void> {
    let status = 0;
    setUp.leave();
    try {
      await station.shutDown();
    } catch (error) {
      this.#options.warn('shut-down-failed', error);
      status = 1;
    }
    this.#coalescer.flush();
    this.#options.exit(status);
  }

  #notify<C extends NotifyChannel>(channel: C, payload: Payload<C>): void {
    this.#options.port.post({ type: 'notify', channel, json: JSON.stringify(payload) });
  }
}

function isSetUpChannel(channel: InvokeChannel): channel is SetUpChannel {
  return ipc[channel].by === 'setup';
}

function refused(problem: string): EnrollmentError {
  return new EnrollmentError('STATION_REQUEST_INVALID', { details: { problem } });
}

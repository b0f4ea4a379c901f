import type { UtilityProcess } from 'electron';
import { z } from 'zod';
import { endChild, forkChild } from './child-process.ts';

/** The first start may have to fetch a server and make a root folder per device. */
const START_LIMIT_MS = 5 * 60_000;
const SHUT_DOWN_LIMIT_MS = 10_000;

/** What the lab tells. `env` goes to the engine; only names of the program's own are taken. */
const labMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), text: z.string().max(500) }),
  z.object({
    type: z.literal('ready'),
    profilePath: z.string().min(1),
    env: z.record(z.string().regex(/^MUSTER_[A-Z0-9_]+$/), z.string()).default({}),
  }),
  z.object({ type: z.literal('failed'), text: z.string().max(2000) }),
]);

export interface ReadyLab {
  readonly profilePath: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface LabOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly onProgress: (text: string) => void;
  /** The lab ended although nobody asked it to. */
  readonly onLost: () => void;
}

/** The rehearsal lab in its utility process. */
export class LabProcess {
  readonly #options: LabOptions;
  #child: UtilityProcess | undefined;
  #stopped = false;

  constructor(options: LabOptions) {
    this.#options = options;
  }

  /** True once {@link stop} was called: what fails from then on is the end that was asked for. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Starts the lab and waits for it; rejects with a sentence for the operator when it does not come up. */
  async start(): Promise<ReadyLab> {
    const child = forkChild({
      file: this.#options.file,
      serviceName: 'muster-lab',
      args: this.#options.args,
    });
    this.#child = child;
    return await new Promise<ReadyLab>((resolve, reject) => {
      let ready = false;
      const fail = (text: string): void => {
        clearTimeout(timer);
        reject(new Error(text));
      };
      const timer = setTimeout(
        () => fail(`The lab is not ready after ${START_LIMIT_MS / 60_000} minutes.`),
        START_LIMIT_MS,
      );
      child.on('message', (raw: unknown) => {
        const message = labMessageSchema.safeParse(raw);
        if (!message.success) fail(`The lab sent a message of another shape: ${message.error.message}`);
        else if (message.data.type === 'progress') this.#options.onProgress(message.data.text);
        else if (message.data.type === 'failed') fail(message.data.text);
        else {
          ready = true;
          clearTimeout(timer);
          resolve(message.data);
        }
      });
      child.once('exit', (status) => {
        this.#child = undefined;
        if (!ready) fail(`The lab ended with status ${status} before it was ready.`);
        else if (!this.#stopped) this.#options.onLost();
      });
    });
  }

  /** Lets the lab end its servers and devices, then ends it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#child !== undefined) await endChild(this.#child, SHUT_DOWN_LIMIT_MS);
  }
}

import path from 'node:path';
import type { FaultRequest, Faults } from '../lab/identity/faults.ts';
import { type CliOptions, type CliRun, runCli } from './run-cli.ts';

/** A point of an act at which the station's process is killed. */
export type Moment =
  /** When the provider gets a request: before it has an effect, or so that it has one and nobody hears of it. */
  | { readonly when: (request: FaultRequest) => boolean; readonly effect: 'before' | 'after' }
  /** Once this file is another one than at its start, or gone, and before it hears that: something happened on the device. */
  | { readonly changed: string }
  /** As soon as this is so, looked at every few milliseconds, of what waits there until it is ended. */
  | { readonly isSo: () => boolean | Promise<boolean> };

/** What a run of the command line kills itself at, in its environment. */
export const endsItself = {
  /** Once it has told a text so often. */
  afterTelling: (text: string, times: number) =>
    endingAt({ MUSTER_ENDS_AFTER: text, MUSTER_ENDS_AFTER_TIMES: String(times) }),
  onceChanged: (file: string) => endingAt({ MUSTER_ENDS_ONCE_CHANGED: file }),
} as const;

function endingAt(words: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...words, NODE_OPTIONS: `--require=${path.join(import.meta.dirname, 'end-itself.cjs')}` };
}

const isKeyOf = (path: string): boolean => /\/users\/\d+\/keys$/.test(path);
const isProof = ({ path, body }: FaultRequest): boolean =>
  path === '/oauth/v2/token' && body.includes('jwt-bearer');

/** Requests of an act on keys, in the words of either generation of the API. */
export const requests = {
  makesKey: ({ method, path }: FaultRequest): boolean => method === 'POST' && isKeyOf(path),
  deletesKey: ({ method, path }: FaultRequest): boolean => method === 'DELETE' && /\/keys\/\d+$/.test(path),
  deletesUser: ({ method, path }: FaultRequest): boolean => method === 'DELETE' && /\/users\/\d+$/.test(path),
  /** The first login after a key was made: the device proves it. Its agent logs in only when it starts anew. */
  provesKey: (): ((request: FaultRequest) => boolean) => {
    let isMade = false;
    return (request) => {
      isMade ||= requests.makesKey(request);
      return isMade && isProof(request);
    };
  },
} as const;

const LOOK_EVERY_MS = 5;

/** Kills runs of the command line (SIGKILL) at a moment of theirs, seen by the lab's provider or on the device. */
export class KilledRuns {
  #pending: ((request: FaultRequest) => Promise<'cut' | undefined>) | undefined;

  /** For the lab whose provider is to see the moment. */
  readonly faults: Faults = { before: (request) => this.#pending?.(request) };

  /** Runs until the moment; a run that ends before it has a status, and one that was killed has none. */
  async run(args: readonly string[], moment: Moment, options: CliOptions = {}): Promise<CliRun> {
    let kill: (() => void) | undefined;
    const ended = runCli(args, {
      ...options,
      env: { ...options.env, ...('changed' in moment ? endsItself.onceChanged(moment.changed) : {}) },
      onOutput: (run) => {
        kill = () => run.kill('SIGKILL');
      },
    });
    const over = new AbortController();
    const watching =
      'isSo' in moment ? watch(moment.isSo, over.signal).then((isSo) => isSo && kill?.()) : undefined;
    if ('when' in moment)
      this.#pending = async (request) => {
        if (!moment.when(request)) return undefined;
        this.#pending = undefined;
        kill?.();
        await ended;
        return moment.effect === 'before' ? 'cut' : undefined;
      };
    try {
      return await ended;
    } finally {
      this.#pending = undefined;
      over.abort();
      await watching;
    }
  }
}

async function watch(isSo: () => boolean | Promise<boolean>, over: AbortSignal): Promise<boolean> {
  while (!over.aborted) {
    if (await isSo()) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return false;
}

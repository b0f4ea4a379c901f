/** The process that started the lab, as Electron hands it to a utility process. */
export interface LabParent {
  postMessage(message: unknown): void;
  /** Anything it sends means: end. */
  on(event: 'message', listener: () => void): unknown;
}

export interface StartedLab {
  readonly profilePath: string;
  stop(): Promise<void>;
}

export interface ServeParentOptions {
  readonly parent: LabParent;
  start(signal: AbortSignal, onProgress: (text: string) => void): Promise<StartedLab>;
  /** Ends the process. */
  exit(status: number): void;
}

/**
 * Runs a lab for its parent, from the first moment on ready to be ended: a lab that is still starting is broken off,
 * and takes what it has started with it.
 * @returns ends the lab, as the parent's message does; may be called more than once
 */
export function serveParent({ parent, start, exit }: ServeParentOptions): () => Promise<void> {
  const lifetime = new AbortController();
  const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
  const tellFailure = (error: unknown): void => {
    // A start that was broken off is no failure.
    if (!lifetime.signal.aborted) parent.postMessage({ type: 'failed', text: textOf(error).slice(0, 2000) });
  };
  let ending: Promise<void> | undefined;
  const end = (): Promise<void> => {
    ending ??= (async () => {
      lifetime.abort(new Error('The lab was ended while it started.'));
      let status = 0;
      try {
        await (await starting)?.stop();
      } catch (error) {
        process.stderr.write(`muster-lab: ${textOf(error)}\n`);
        status = 1;
      }
      exit(status);
    })();
    return ending;
  };
  parent.on('message', () => void end());
  const starting = start(lifetime.signal, (text) => parent.postMessage({ type: 'progress', text })).then(
    (lab) => {
      if (!lifetime.signal.aborted) parent.postMessage({ type: 'ready', profilePath: lab.profilePath });
      return lab;
    },
    (error: unknown) => {
      tellFailure(error);
      return undefined;
    },
  );
  return end;
}

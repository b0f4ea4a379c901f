import { type UtilityProcess, utilityProcess } from 'electron';
import { childEnvironment } from './process-environment.ts';

export interface ChildOptions {
  readonly file: string;
  readonly serviceName: string;
  readonly args: readonly string[];
  readonly extraEnv?: Readonly<Record<string, string>>;
}

/** Starts a utility process with a fixed environment; its output goes where ours goes. */
export function forkChild({ file, serviceName, args, extraEnv }: ChildOptions): UtilityProcess {
  return utilityProcess.fork(file, [...args], {
    serviceName,
    stdio: 'inherit',
    env: childEnvironment(process.env, process.platform, extraEnv),
  });
}

/** Asks a utility process to end, and ends it when it has not done so after `limitMs`. */
export async function endChild(child: UtilityProcess, limitMs: number): Promise<void> {
  if (child.pid === undefined) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      child.kill();
      resolve();
    }, limitMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.postMessage({ type: 'shut-down' });
  });
}

import { capture } from '../../scripts/setup/processes.mjs';

/**
 * Limit of what is quick on a quiet computer. Devices that boot next to it can make it take many times as long; a limit
 * only has to end what hangs.
 */
export const patienceMs = 120_000;

export interface CommandOptions {
  readonly limitMs?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stdin?: string;
}

/**
 * Runs a program and gives what it printed; its limit is `patienceMs` where none is given.
 * @throws {Error} with the program's own words when it fails or takes longer than the limit
 */
export async function must(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await capture(program, args, { limitMs: patienceMs, ...options });
  if (code === 0) return stdout;
  const words = `${stdout}${stderr}`.trim().split('\n').slice(-8).join('\n');
  throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${words}`);
}

/**
 * Runs all of `steps`, the newest first and each also when one before it failed, and empties the list.
 * @throws the first failure
 */
export async function undoAll(steps: (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps.splice(0).reverse()) await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

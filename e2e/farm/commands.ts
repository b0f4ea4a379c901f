import { capture } from '../../scripts/setup/processes.mjs';

export interface CommandOptions {
  readonly limitMs?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stdin?: string;
}

/**
 * Runs a program and gives what it printed.
 * @throws {Error} with the program's own words when it fails or takes longer than the limit
 */
export async function must(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await capture(program, args, options);
  if (code === 0) return stdout;
  const words = `${stdout}${stderr}`.trim().split('\n').slice(-8).join('\n');
  throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${words}`);
}

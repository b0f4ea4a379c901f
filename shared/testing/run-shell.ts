import { spawnSync } from 'node:child_process';
import { patience } from './patience.ts';

/** What a real shell made of a script. */
export interface ShellRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a script the way a session does: its length is told, the shell reads exactly that much of standard input,
 * and what follows is the script's own input.
 */
export function runShell(
  script: string,
  options: {
    readonly shell?: string;
    readonly payload?: string | Uint8Array;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): ShellRun {
  const bytes = Buffer.from(script);
  const { status, stdout, stderr } = spawnSync(
    options.shell ?? '/bin/sh',
    ['-c', `eval "$(head -c ${bytes.length})"`],
    {
      input: Buffer.concat([bytes, Buffer.from(options.payload ?? '')]),
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...options.env },
      timeout: patience.timeout,
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  return { status, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') };
}

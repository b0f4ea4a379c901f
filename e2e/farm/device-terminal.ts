import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { FarmDevice } from './farm.ts';
import { sshArguments } from './ssh-command.ts';

/** Copies a file onto a device as a person would: over SSH. */
export async function sendFile(
  device: FarmDevice,
  file: string,
  to: string,
  { mode = '0755', limitMs = 300_000 } = {},
): Promise<void> {
  const child = spawn('ssh', [...sshArguments(device), `umask 077; cat > ${to} && chmod ${mode} ${to}`], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  // Should ssh end early, its exit status says more than the pipe.
  child.stdin.on('error', () => undefined);
  createReadStream(file).pipe(child.stdin);
  const [status] = await once(child, 'close');
  clearTimeout(limit);
  if (status !== 0) throw new Error(`${file} could not be copied to ${device.name}.`);
}

/** What a command has shown on a terminal, and how it ended. */
export interface TerminalRun {
  readonly status: number | null;
  readonly text: string;
  /** How often the question was asked. */
  readonly asked: number;
}

/**
 * Runs a command at a terminal of its own on the device (a pty of its sshd), as the person who is logged in there.
 * Each time the question stands there the next answer is typed; where there is no more of them nothing is.
 */
export async function atTerminal(
  device: FarmDevice,
  command: string,
  dialogue: { readonly question: string; readonly answers: readonly string[]; readonly limitMs: number },
): Promise<TerminalRun> {
  const { question, answers, limitMs } = dialogue;
  const child = spawn('ssh', ['-tt', ...sshArguments(device), `stty rows 50 cols 160; ${command}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  child.stdin.on('error', () => undefined);
  let text = '';
  let asked = 0;
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    const until = text.split(question).length - 1;
    for (; asked < until; asked += 1) {
      const answer = answers[asked];
      if (answer !== undefined) child.stdin.write(`${answer}\r`);
    }
  });
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(limit);
  return { status, text, asked };
}

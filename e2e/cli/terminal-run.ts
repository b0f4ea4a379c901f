import { execFileSync } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'ssh2';
import type { RealSshd } from '#shared/adapters/ssh/testing/real-sshd.ts';
import { cliBundle } from '../../scripts/build-cli.mjs';
import { projectRoot } from './run-cli.ts';

/** A run of the command line on a terminal: somebody who is logged in over SSH. */
export interface TerminalRun {
  /** Everything that was shown so far. */
  shown(): string;
  type(text: string): void;
  /** The session is cut off, and the terminal with it. */
  hangUp(): void;
  /** Resolves when the program is gone, whoever is still there to see it. */
  readonly gone: Promise<void>;
  /** Resolves when the session has ended, with the exit code where one was told. */
  readonly ended: Promise<number | undefined>;
}

export interface TerminalOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Sees everything that was shown so far, after each piece. */
  readonly onShown?: (run: TerminalRun) => void;
}

let runs = 0;

/** Runs the command line on a terminal of this server, and answers it by what it shows. */
export async function runOnTerminal(
  sshd: RealSshd,
  args: readonly string[],
  { env, onShown }: TerminalOptions,
): Promise<TerminalRun> {
  const client = new Client();
  client.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve).once('error', reject);
    const privateKey = readFileSync(sshd.clientKeyFile);
    client.connect({ host: '127.0.0.1', port: sshd.port, username: sshd.user, privateKey });
  });
  // The program holds one end for as long as it lives.
  runs += 1;
  const life = path.join(sshd.folder, `life-${runs}`);
  execFileSync('mkfifo', [life]);
  const gone = new Promise<void>((resolve, reject) => {
    createReadStream(life)
      .once('close', () => resolve())
      .once('error', reject)
      .resume();
  });
  const variables = Object.entries({ HOME: '/nonexistent', TERM: 'xterm', ...env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const words = ['env', ...variables, process.execPath, cliBundle, ...args];
  const command = `cd ${quote(projectRoot)} && exec ${words.map(quote).join(' ')} 3>${quote(life)}`;
  return new Promise((resolve, reject) => {
    client.exec(command, { pty: { cols: 160, rows: 50 } }, (failure, channel) => {
      if (failure !== undefined) {
        reject(failure);
        return;
      }
      let shown = '';
      let status: number | undefined;
      channel.once('exit', (code: number | null) => {
        status = code ?? undefined;
      });
      const ended = new Promise<number | undefined>((settle) => {
        channel.once('close', () => {
          client.end();
          settle(status);
        });
      });
      const run: TerminalRun = {
        ...{ gone, ended, shown: () => shown },
        type: (text) => void channel.write(text),
        hangUp: () => void client.destroy(),
      };
      channel.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
        onShown?.(run);
      });
      resolve(run);
    });
  });
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { createPorts } from '#shared/adapters/create-ports.ts';
import { openMemoryJournal } from '#shared/adapters/journal/journal.ts';
import { createMemoryTokenCache } from '#shared/adapters/keychain/memory-token-cache.ts';
import { loadProfile } from '#shared/adapters/system/profile-file.ts';
import { type EventFields, type EventName, lineSchema } from '#shared/cli/json-lines.ts';
import { HANGS_AFTER_MS } from '#shared/testing/patience.ts';
import { buildCli, cliBundle } from '../../scripts/build-cli.mjs';
import { approveAsLabOperator } from '../lab/identity/operator-walk.ts';

export const projectRoot = path.resolve(import.meta.dirname, '../..');

/** The bundle, made anew: what is tested is what is in the sources. */
export async function bundledCli(): Promise<string> {
  await buildCli();
  if (!existsSync(cliBundle) || statSync(cliBundle).size < 100_000) throw new Error('There is no bundle.');
  return cliBundle;
}

/** How a run of the command line ended. */
export interface CliRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** All events of this name, each checked against the schema. */
  events<Name extends EventName>(name: Name): readonly EventFields<Name>[];
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What comes on standard input; nothing when left out. */
  readonly stdin?: string;
  readonly limitMs?: number;
  /** Program and words before the arguments; Node and the bundle when left out. */
  readonly command?: readonly string[];
  /** Sees everything that was printed so far, after each piece. */
  readonly onOutput?: (run: { readonly text: string; kill(signal: NodeJS.Signals): void }) => void;
}

/** Environment of a run in which waits of exactly this length take a tenth of it. */
export function shorterWait(ms: number): Readonly<Record<string, string>> {
  const program = path.join(import.meta.dirname, 'shorter-wait.cjs');
  return { MUSTER_SHORTER_WAIT_MS: String(ms), NODE_OPTIONS: `--require=${program}` };
}

/** Runs the command line to its end, with nothing of this process's environment but what it needs. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const [program = process.execPath, ...words] = options.command ?? [process.execPath, cliBundle];
  const child = spawn(program, [...words, ...args], {
    cwd: projectRoot,
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(options.stdin);
  let stdout = '';
  let stderr = '';
  const tell = (): void =>
    options.onOutput?.({ text: stdout + stderr, kill: (signal) => void child.kill(signal) });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    tell();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    tell();
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), options.limitMs ?? HANGS_AFTER_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(limit);
      resolve({ status, stdout, stderr, events: (name) => eventsOf(stdout, name) });
    });
  });
}

function eventsOf<Name extends EventName>(stdout: string, name: Name): EventFields<Name>[] {
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { event: string });
  return lines
    .filter((line) => line.event === name)
    .map((line) => lineSchema(name).parse(line) as unknown as EventFields<Name>);
}

/** A fresh access token of the lab's operator, as a pipeline would be given one. */
export async function operatorToken(profilePath: string, dir: string, signal: AbortSignal): Promise<string> {
  const profile = await loadProfile(profilePath, signal);
  const ports = createPorts({
    ...{ profile, userDataDir: path.join(dir, 'token'), tokenCache: createMemoryTokenCache() },
    ...{ openJournal: openMemoryJournal, openBrowser: async () => false },
  });
  try {
    let approving: Promise<void> | undefined;
    const tokens = await ports.signIn.signIn((prompt) => {
      approving = approveAsLabOperator({ verificationUriComplete: prompt.verificationUriComplete, signal });
    }, signal);
    await approving;
    return tokens.accessToken.reveal();
  } finally {
    await ports.close();
  }
}

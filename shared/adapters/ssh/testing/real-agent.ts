// biome-ignore lint/style/noRestrictedImports: a helper of tests, which starts the real ssh-agent.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { unlessItHangs } from '../../../testing/patience.ts';

export interface RealAgent {
  readonly socket: string;
  add(keyFile: string): void;
  removeAll(): void;
  stop(): Promise<void>;
}

/** Starts OpenSSH's agent with its socket in a folder. */
export async function startRealAgent(folder: string): Promise<RealAgent> {
  const socket = join(folder, 'agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = new Promise<void>((resolve) => agent.once('exit', () => resolve()));
  // It prints where it is once it listens there; the socket can be seen before.
  const ended = exited.then(() => {
    throw new Error('ssh-agent did not start.');
  });
  await Promise.race([once(agent.stdout, 'data', { signal: unlessItHangs() }), ended]);
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  const add = (...args: readonly string[]) =>
    execFileSync('ssh-add', ['-q', ...args], { env, stdio: 'pipe' });
  return {
    socket,
    add: (keyFile) => void add(keyFile),
    removeAll: () => void add('-D'),
    stop: async () => {
      agent.kill('SIGTERM');
      await exited;
    },
  };
}

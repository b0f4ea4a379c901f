import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { ServerChannel, Session } from 'ssh2';

/** How a session runs a command line; `banner` is what a noisy start-up file prints before it. */
export interface ExecHost {
  spawn(command: string, env: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams;
  banner(): string;
}

const NO_SHELL = 'This rehearsal device runs single commands only; it has no interactive shell.\r\n';

/** Serves one SSH session: exec with streamed input and output, environment, signals; no shell, no pty. */
export function serveSession(session: Session, host: ExecHost): void {
  const env: Record<string, string> = {};
  let child: ChildProcessWithoutNullStreams | undefined;
  session.on('env', (accept, reject, { key, val }) => {
    // The names Debian's sshd_config accepts.
    if (!/^(LANG|LC_[A-Z]+)$/.test(key)) return reject?.();
    env[key] = val;
    accept?.();
  });
  session.on('pty', (_accept, reject) => reject?.());
  session.on('shell', (accept) => {
    const channel = accept();
    channel.stderr.write(NO_SHELL);
    channel.exit(1);
    channel.end();
  });
  session.on('exec', (accept, _reject, { command }) => {
    const channel = accept();
    child = host.spawn(command, env);
    channel.write(host.banner());
    connect(channel, child);
  });
  session.on('signal', (accept, _reject, { name }) => {
    if (child?.pid !== undefined && child.exitCode === null)
      signalGroup(child.pid, `SIG${name}` as NodeJS.Signals);
    accept?.();
  });
}

function connect(channel: ServerChannel, child: ChildProcessWithoutNullStreams): void {
  channel.stdin.pipe(child.stdin);
  // A command may end, or close its input, before it has read everything: as with sshd, not an error.
  child.stdin.on('error', () => channel.stdin.resume());
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.once('error', (error) => {
    channel.stderr.write(`The rehearsal device could not start the command: ${error.message}\n`);
    channel.exit(255);
    channel.end();
  });
  child.once('close', (code, signal) => {
    if (child.pid === undefined) return;
    if (signal === null) channel.exit(code ?? 255);
    else channel.exit(signal.replace(/^SIG/, ''), false, '');
    channel.end();
  });
  // The connection is gone: the command keeps running as under sshd, but nobody listens any more.
  channel.once('close', () => {
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Ended meanwhile, or a signal this system does not have.
    if (code !== 'ESRCH' && code !== 'ERR_UNKNOWN_SIGNAL') throw error;
  }
}

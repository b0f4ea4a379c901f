import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unlessItHangs } from '#shared/testing/patience.ts';
import type { FaultRequest, Faults } from '../lab/identity/faults.ts';
import { approveAsLabOperator } from '../lab/identity/operator-walk.ts';
import type { LabFixture } from '../lab/testing/lab-fixture.ts';
import { type CliOptions, type CliRun, runCli } from './run-cli.ts';

/** A person's sign-in on the lab that is remembered in a file, and that the provider ends when the test wants it. */
export interface EndedSignIn {
  /** A profile of the lab that remembers sign-ins in a file. */
  readonly profile: string;
  /** The words of a command, with profile and state folder. */
  args(...words: readonly string[]): string[];
  /** How often a code was asked for so far. */
  asked(): number;
  /** The provider ends it: neither access nor refresh tokens count any more. */
  endSession(): void;
  /** Signs in as a person does, so that it is remembered. */
  signInOnce(): Promise<void>;
}

/**
 * Ends a session in the middle of what goes on: when a request comes, and not when the run is seen to have told something,
 * for it does not stand still until then.
 */
export class MidwayEnd {
  #pending: ((request: FaultRequest) => Promise<undefined>) | undefined;

  /** For the lab whose provider is to see the requests. */
  readonly faults: Faults = { before: (request) => this.#pending?.(request) };

  /** Calls `end` once so many of these requests are there; all of them get their answer after it. */
  at(isSuch: (request: FaultRequest) => boolean, count: number, end: () => void): void {
    const held: (() => void)[] = [];
    this.#pending = async (request) => {
      if (!isSuch(request)) return undefined;
      const answered = new Promise<void>((resolve) => held.push(resolve));
      if (held.length === count) {
        this.#pending = undefined;
        end();
        for (const go of held) go();
      }
      await answered;
      return undefined;
    };
  }
}

/** Starts with nobody signed in. */
export async function endedSignIn(fixture: LabFixture): Promise<EndedSignIn> {
  const { lab, dir } = fixture;
  const profile = path.join(dir, 'lab', 'remembers.toml');
  const text = await readFile(lab.profilePath, 'utf8');
  const file = JSON.stringify(path.join(dir, 'sign-in.json'));
  const remembers = text.replace('[identity]\n', `[identity]\ntoken_file = ${file}\n`);
  if (remembers === text) throw new Error('The profile of the lab has no section [identity].');
  await writeFile(profile, remembers);
  const args = (...words: readonly string[]) => [
    ...[...words, '--profile', profile, '--state-dir', path.join(dir, 'cli-state')],
  ];
  return {
    ...{ profile, args },
    asked: () => lab.identity.inspect().calls['POST /oauth/v2/device_authorization'] ?? 0,
    endSession: () => {
      lab.identity.control.endAccessTokens();
      lab.identity.control.forgetRefreshTokens();
    },
    signInOnce: async () => {
      const run = await onTerminal(args('devices'), { onOutput: once(addressIn, approving()) });
      if (run.status !== 0) throw new Error(`Nobody could sign in: ${run.stdout}`);
    },
  };
}

/** Runs the command line on a terminal of its own. */
export function onTerminal(words: readonly string[], options: Partial<CliOptions> = {}): Promise<CliRun> {
  const command = ['stty rows 50 cols 120;', process.execPath, 'out/cli/muster.cjs', ...words].join(' ');
  return runCli([command, '/dev/null'], {
    command: ['script', '-qefc'],
    env: { TERM: 'xterm' },
    ...options,
  });
}

/** The address of the newest code, as text tells it; one that is still being printed is none. */
export function addressIn(text: string): string | undefined {
  return [...text.matchAll(/or open +(\S+)\s/g)].at(-1)?.[1];
}

/** The address of the first code, as JSON lines tell it. */
export function addressInJson(text: string): string | undefined {
  return /"completeUrl":"([^"]+)"/.exec(text)?.[1];
}

/** Decides a sign-in at its address, as the lab's operator. */
export function approving({ deny = false } = {}): (address: string) => void {
  return (verificationUriComplete) =>
    void approveAsLabOperator({ verificationUriComplete, deny, signal: unlessItHangs() });
}

type Output = Parameters<NonNullable<CliOptions['onOutput']>>[0];

/** Does something once, as soon as the output has what it needs. */
export function once<T>(
  find: (text: string) => T | undefined,
  act: (found: T) => void,
): (output: Output) => void {
  let isDone = false;
  return ({ text }) => {
    const found = isDone ? undefined : find(text);
    if (found === undefined) return;
    isDone = true;
    act(found);
  };
}

/** Finds whether the output has some text. */
export function has(part: string): (text: string) => true | undefined {
  return (text) => (text.includes(part) ? true : undefined);
}

/** All of them, in this order. */
export function all(...watchers: readonly ((output: Output) => void)[]): (output: Output) => void {
  return (output) => {
    for (const watch of watchers) watch(output);
  };
}

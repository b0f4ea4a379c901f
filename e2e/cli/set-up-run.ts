import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { LabIdentityProvider } from '../lab/identity/identity-provider.ts';
import { type CliOptions, type CliRun, runCli } from './run-cli.ts';

export interface SetUpWish {
  readonly token?: string;
  readonly issuer?: string;
  /** Machine users, as `--machine-user` takes them. */
  readonly users?: readonly string[];
  readonly more?: readonly string[];
}

/** Runs `muster setup zitadel` of the project `warehouse` on this lab, with its files in this folder. */
export function runSetUp(
  lab: LabIdentityProvider,
  folder: string,
  { token = lab.adminToken, issuer = lab.issuer, users = ['nats-callout'], more = [] }: SetUpWish = {},
  options: CliOptions = {},
): Promise<CliRun> {
  const args = [
    ...['setup', 'zitadel', '--issuer-url', issuer, '--project', 'warehouse', '--role', 'operator'],
    ...users.flatMap((user) => ['--machine-user', user]),
    ...['--out', folder, '--json', ...more],
  ];
  return runCli(args, { ...options, env: { MUSTER_ADMIN_TOKEN: token, ...options.env } });
}

/** Every file below a folder, by name, with its bytes. */
export function filesIn(folder: string): readonly (readonly [string, string])[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(path.join(folder, name)).isFile())
    .sort()
    .map((name) => [name, readFileSync(path.join(folder, name), 'latin1')] as const);
}

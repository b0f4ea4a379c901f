import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Where journal and log live: the folder that was named, else that of the XDG base directories. The app has its own.
 */
export function stateFolder(
  named: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (named !== undefined) return resolve(named);
  const base = environment.XDG_STATE_HOME;
  // Relative paths in these variables are to be ignored (XDG Base Directory Specification).
  return join(base?.startsWith('/') ? base : join(homedir(), '.local', 'state'), 'muster');
}

import { join, resolve } from 'node:path';
import { homeFolder } from '../adapters/system/account.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';

/**
 * Where journal and log live: the folder that was named, else that of the XDG base directories. The app has its own.
 * @throws STATION_FOLDER_UNUSABLE where there is no home folder
 */
export function stateFolder(
  named: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  homeOf = homeFolder,
): string {
  if (named !== undefined) return resolve(named);
  const base = environment.XDG_STATE_HOME;
  // Relative paths in these variables are to be ignored (XDG Base Directory Specification).
  if (base?.startsWith('/')) return join(base, 'muster');
  const home = homeOf();
  if (home !== undefined) return join(home, '.local', 'state', 'muster');
  throw new EnrollmentError('STATION_FOLDER_UNUSABLE', {
    details: { path: '~/.local/state/muster' },
    evidence: 'HOME is not set, and no account has the number this program runs under.',
  });
}

import { createHash } from 'node:crypto';
import path from 'node:path';
import { homeFolder, systemAccount } from '../system/account.ts';

/**
 * The folder of this account that the app and the command line share, whatever state folder each was given: they
 * share one sign-in, too.
 */
export function sharedFolder(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home = homeFolder() ?? systemAccount().home,
): string {
  // Relative paths in these variables are to be ignored (XDG Base Directory Specification).
  const named = platform === 'win32' ? environment.LOCALAPPDATA : environment.XDG_STATE_HOME;
  if (named !== undefined && path.isAbsolute(named)) return path.join(named, 'muster', 'sign-in');
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'Muster', 'sign-in');
  return path.join(home, '.local', 'state', 'muster', 'sign-in');
}

/** A file name for the sign-in of an issuer and client id. It tells neither. */
export function signInFileName(issuer: string, clientId: string, extension: string): string {
  const digest = createHash('sha256').update(`${issuer}|${clientId}`).digest('hex');
  return `${digest.slice(0, 32)}.${extension}`;
}

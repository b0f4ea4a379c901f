import { homedir, userInfo } from 'node:os';

/** The account this program runs under. */
export interface SystemAccount {
  readonly name: string;
  readonly home: string;
}

/** Where whoever has no home folder is put, as `login` does. */
const NO_HOME = '/';

/** What the system knows of the account. A container may run a program under a number that no account has. */
export function systemAccount(
  known: () => { readonly username: string; readonly homedir: string } = userInfo,
  uid = process.getuid?.(),
): SystemAccount {
  try {
    const { username, homedir: home } = known();
    return { name: username, home };
  } catch {
    return { name: String(uid ?? 'unknown'), home: NO_HOME };
  }
}

/** The home folder, the one the environment names first; undefined where nobody names one. */
export function homeFolder(named: () => string = homedir): string | undefined {
  try {
    return named();
  } catch {
    return undefined; // Neither the environment nor an account: the caller knows what that means.
  }
}

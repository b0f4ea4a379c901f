import { systemAccount } from '../system/account.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Begins the names of what a rehearsal root needs beside its prefix. */
const OUR_PREFIX = 'MUSTER_';

/**
 * The environment of commands on this computer: fixed, so that nothing of the operator's session changes what they do.
 *
 * Where `MUSTER_DEVICE_ROOT` names a root to work in, the search path and our own variables are handed on as well:
 * stand-ins are found through them.
 * @param given the environment this program was started with
 */
export function localEnvironment(
  given: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const { name, home } = systemAccount();
  const fixed = {
    PATH: DEFAULT_PATH,
    HOME: home,
    USER: name,
    LOGNAME: name,
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
  };
  if (!given.MUSTER_DEVICE_ROOT) return fixed;
  const ours = Object.entries(given).filter(
    (entry): entry is [string, string] => entry[0].startsWith(OUR_PREFIX) && entry[1] !== undefined,
  );
  return { ...fixed, PATH: given.PATH ?? DEFAULT_PATH, ...Object.fromEntries(ours) };
}

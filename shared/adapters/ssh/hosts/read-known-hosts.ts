import { EnrollmentError } from '../../../errors/enrollment-error.ts';
import { readLimitedText } from '../../system/read-limited.ts';
import { type KnownHosts, parseKnownHosts } from './known-hosts.ts';

const LIMIT_BYTES = 8 * 1024 * 1024;

/** Reads the profile's known hosts file, and parses it again only when it has changed. */
export function createKnownHostsReader(
  path: string | undefined,
): (signal: AbortSignal) => Promise<KnownHosts | undefined> {
  let last: { readonly text: string; readonly hosts: KnownHosts } | undefined;
  return async (signal) => {
    if (path === undefined) return undefined;
    const { text } = await readLimitedText(path, LIMIT_BYTES, signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new EnrollmentError('STATION_PROFILE_INVALID', {
        details: { path, problem: `ssh.known_hosts_file: cannot be read (${(cause as Error).message})` },
        subject: path,
        cause,
      });
    });
    if (last?.text !== text) last = { text, hosts: parseKnownHosts(text) };
    return last.hosts;
  };
}

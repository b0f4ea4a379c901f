/** How to reach a device: `ssh://user@host:port`. */
export interface SshTarget {
  readonly kind: 'ssh';
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number;
}

/** This computer itself: the same steps without SSH. Written `local://`, or `local`. */
export interface LocalTarget {
  readonly kind: 'local';
}
export type Target = SshTarget | LocalTarget;

export type TargetResult =
  | { readonly ok: true; readonly target: Target }
  | { readonly ok: false; readonly says: string };

const DEFAULT_SSH_PORT = 22;
const LOCAL_FORMS: readonly string[] = ['local', 'local://'];
/** What the Address column shows for this computer. A space keeps it apart from every host name. */
const LOCAL_ADDRESS = 'this computer';
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\])$/;
const USER = /^[A-Za-z_][A-Za-z0-9_.-]*\$?$/;

/**
 * Reads a target: `ssh://[user@]host[:port]` or the same without the scheme, IPv6 in brackets; or `local://`.
 * A host that is called `local` is written `ssh://local`.
 * A password inside the text is refused, because targets are shown and journaled.
 */
export function parseTarget(text: string): TargetResult {
  if (LOCAL_FORMS.includes(text)) return { ok: true, target: { kind: 'local' } };
  const withoutScheme = text.startsWith('ssh://') ? text.slice('ssh://'.length) : text;
  if (withoutScheme.includes('://'))
    return { ok: false, says: 'A target starts with ssh://, or is local://.' };
  const at = withoutScheme.lastIndexOf('@');
  const user = at < 0 ? undefined : withoutScheme.slice(0, at);
  const rest = withoutScheme.slice(at + 1);
  if (user?.includes(':'))
    return { ok: false, says: 'A target holds no password. Enter the password when asked.' };
  if (user !== undefined && !USER.test(user))
    return { ok: false, says: 'The user name before @ is not valid.' };
  const portMatch = /^(.*):(\d{1,5})$/.exec(rest);
  const isBareIpv6 = !rest.startsWith('[') && (rest.match(/:/g)?.length ?? 0) > 1;
  const host = isBareIpv6 ? `[${rest}]` : (portMatch?.[1] ?? rest);
  const port = isBareIpv6 || !portMatch ? DEFAULT_SSH_PORT : Number(portMatch[2]);
  if (!HOST.test(host)) return { ok: false, says: 'The host is not a name or an address.' };
  if (port < 1 || port > 65_535) return { ok: false, says: 'A port is a number from 1 to 65535.' };
  return { ok: true, target: { kind: 'ssh', user, host: host.replace(/^\[|\]$/g, ''), port } };
}

/** Text form of a target, as shown and journaled. */
export function formatTarget(target: Target): string {
  if (target.kind === 'local') return 'local://';
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  const user = target.user === undefined ? '' : `${target.user}@`;
  const port = target.port === DEFAULT_SSH_PORT ? '' : `:${target.port}`;
  return `ssh://${user}${host}${port}`;
}

/** Address part only: what the Address column shows. */
export function formatAddress(target: Target): string {
  if (target.kind === 'local') return LOCAL_ADDRESS;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return target.port === DEFAULT_SSH_PORT ? host : `${host}:${target.port}`;
}

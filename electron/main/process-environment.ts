const names = new Set([
  'PATH',
  'HOME',
  'LANG',
  'TMPDIR',
  'DBUS_SESSION_BUS_ADDRESS',
  // Where the account's SSH agent listens.
  'SSH_AUTH_SOCK',
  // Where the lab finds its server and the agent's runtime. Not by prefix: others hold secrets.
  'MUSTER_NATS_SERVER',
  'MUSTER_NODE',
]);
const prefixes = ['XDG_'];
/** Windows programs do not start without these. */
const windowsNames = new Set([
  'SYSTEMROOT',
  'WINDIR',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'TEMP',
  'TMP',
  'PATHEXT',
]);

/**
 * The environment of a child process: what it needs by name, never the whole of ours. What a shell holds by
 * accident (tokens, NODE_OPTIONS, proxy settings) stays out.
 */
export function childEnvironment(
  ours: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(ours)) {
    const wanted = names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
    // Windows does not tell capitals from small letters.
    const wantedOnWindows =
      platform === 'win32' && (windowsNames.has(name.toUpperCase()) || name.toUpperCase() === 'PATH');
    if (value !== undefined && (wanted || wantedOnWindows)) environment[name] = value;
  }
  return { ...environment, ...extra };
}

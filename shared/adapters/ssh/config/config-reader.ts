import { type LoadedConfig, readConfig } from './read-config.ts';

/** Reader of the configuration the profile names; gives undefined where it names none. */
export function createConfigReader(
  path: string | undefined,
  home: string,
): (signal: AbortSignal) => Promise<LoadedConfig | undefined> {
  return async (signal) => (path === undefined ? undefined : readConfig(path, home, signal));
}

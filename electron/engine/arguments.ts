/** What the main process starts the engine with. */
export interface EngineArguments {
  readonly userDataDir: string;
  readonly version: string;
  /** The profile's file. */
  readonly profile: string;
}

/**
 * Reads the engine's own arguments (`--name=value`).
 * @throws {Error} when one is missing or unknown: main and engine come from one build, so that is a fault.
 */
export function readEngineArguments(words: readonly string[]): EngineArguments {
  const values = new Map<string, string>();
  for (const word of words) {
    const match = /^--(user-data-dir|version|profile)=(.+)$/s.exec(word);
    if (match === null) throw new Error(`The engine does not know the argument "${word}".`);
    values.set(match[1] ?? '', match[2] ?? '');
  }
  const userDataDir = values.get('user-data-dir');
  const version = values.get('version');
  const profile = values.get('profile');
  if (userDataDir === undefined || version === undefined || profile === undefined)
    throw new Error('The engine needs --user-data-dir, --version and --profile.');
  return { userDataDir, version, profile };
}

import type { FileKind } from '../choose-file.ts';
import type { ClientConfigImport } from '../profiles/client-config-import.ts';
import type { ProfileLibrary } from '../profiles/profile-library.ts';
import type { MainHandlers } from './handlers.ts';

type ProfileChannel =
  | Extract<keyof MainHandlers, `profile.${string}` | `import.${string}`>
  | 'setup.openProfile';
export type ProfileHandlers = Pick<MainHandlers, ProfileChannel>;

export interface ProfileHandlerParts {
  readonly library: ProfileLibrary;
  readonly clientConfig: ClientConfigImport;
  /** Goes on with this profile. */
  readonly open: (file: string) => Promise<void>;
  /** Path of the profile the set-up has written. @throws STATION_REQUEST_INVALID where there is none */
  readonly takeSetUpProfile: () => string;
  /** Asks the operator for a file; undefined when none was chosen. */
  readonly chooseFile: (kind: FileKind) => Promise<string | undefined>;
}

/** Which profile the station works with, and how others come to it. Paths are known here and never taken from the window. */
export function profileHandlers(parts: ProfileHandlerParts): ProfileHandlers {
  const { library, clientConfig, open, chooseFile } = parts;
  return {
    'setup.openProfile': async () => {
      await open(parts.takeSetUpProfile());
      return null;
    },
    'profile.list': () => library.view(),
    'profile.open': async ({ id }) => {
      await open(library.pathOf(id));
      return null;
    },
    'profile.openFile': async () => {
      const file = await chooseFile('profile');
      if (file !== undefined) await open(file);
      return { opened: file !== undefined };
    },
    'profile.forget': async ({ id }) => {
      library.forget(id);
      return await library.view();
    },
    'import.chooseFile': async () => {
      const file = await chooseFile('client-config');
      return file === undefined ? null : await clientConfig.readFile(file);
    },
    'import.read': async ({ fileName, text }) => clientConfig.readText(fileName, text),
    'import.save': async (choice) => {
      const { path, profile } = await clientConfig.save(choice);
      return { id: library.keep(path, profile) };
    },
  };
}

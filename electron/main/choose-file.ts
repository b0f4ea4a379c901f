import { type BrowserWindow, dialog, type OpenDialogOptions } from 'electron';

export type FileKind = 'profile' | 'client-config';

const dialogs: Readonly<Record<FileKind, OpenDialogOptions>> = {
  profile: {
    title: 'Open a profile',
    filters: [
      { name: 'Profiles', extensions: ['toml'] },
      { name: 'All files', extensions: ['*'] },
    ],
  },
  'client-config': {
    title: 'Import a client config',
    filters: [
      { name: 'Client configs', extensions: ['json'] },
      { name: 'All files', extensions: ['*'] },
    ],
  },
};

/** Asks the operator for one file, with the system's own dialog. Undefined when none was chosen. */
export async function chooseFile(
  window: BrowserWindow | undefined,
  kind: FileKind,
): Promise<string | undefined> {
  const options: OpenDialogOptions = { ...dialogs[kind], properties: ['openFile'] };
  const asked =
    window === undefined ? dialog.showOpenDialog(options) : dialog.showOpenDialog(window, options);
  const { canceled, filePaths } = await asked;
  return canceled ? undefined : filePaths[0];
}

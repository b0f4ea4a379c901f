import path from 'node:path';
import process from 'node:process';
import { app, crashReporter } from 'electron';
import { childrenOf, keepMemoryOutOfCoreFiles } from '#shared/adapters/system/core-dumps.ts';
import { readArguments } from './arguments.ts';
import { setMenu } from './menu.ts';
import { registerAppScheme } from './scheme.ts';
import { guardEverything } from './security/guard.ts';
import { startStation } from './station.ts';

// Before anything else: Chromium acts on switches by itself, so one we do not know ends the program here.
const asked = readArguments(process.argv.slice(1), {
  packaged: app.isPackaged,
  startedByPath: process.defaultApp === true,
  platform: process.platform,
  workingDirectory: process.cwd(),
});
if (!asked.ok) {
  process.stderr.write(`muster: ${asked.says}\n`);
  process.exit(2);
}
process.umask(0o077);
// Passwords and tokens that are typed into the window pass through here.
keepMemoryOutOfCoreFiles(process.platform);
// Processes of pages come from helpers of Chromium that were started before this line: from their first moment on, where
// the system lets us; a sandboxed one that does not let us writes no core file.
for (const helper of childrenOf(process.platform, process.pid))
  keepMemoryOutOfCoreFiles(process.platform, helper);
app.on('web-contents-created', (_event, contents) => {
  contents.on('dom-ready', () => keepMemoryOutOfCoreFiles(process.platform, contents.getOSProcessId()));
});
if (asked.arguments.userDataDir !== undefined) app.setPath('userData', asked.arguments.userDataDir);

// Overriding the switch would leave Chromium's helpers crashing for ever where no sandbox can be made.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
registerAppScheme();
guardEverything(!app.isPackaged);
setMenu(process.platform);

// One station per data folder, since it has one journal. The other's arguments are not listened to.
if (app.requestSingleInstanceLock()) {
  crashReporter.start({ uploadToServer: false });
  const { profile, lab, devices } = asked.arguments;
  // Not awaited: the app becomes ready only after this module has finished.
  void app.whenReady().then(() =>
    startStation({
      profile,
      lab,
      devices,
      development: !app.isPackaged,
      folders: {
        bundles: import.meta.dirname,
        preload: path.join(import.meta.dirname, '../preload/index.cjs'),
        renderer: path.join(import.meta.dirname, '../renderer'),
        userData: app.getPath('userData'),
      },
    }),
  );
} else {
  process.stderr.write(
    'muster: A station with this data folder is open already. Use --user-data-dir for a second one.\n',
  );
  app.quit();
}

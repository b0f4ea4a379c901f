import { app, BrowserWindow, nativeTheme, screen, type WebPreferences } from 'electron';
import { indexAddress } from './renderer-files.ts';
import { restartDelayMs } from './restart-policy.ts';
import { trustContents } from './security/senders.ts';
import { defaultSize, loadPlace, savePlace, smallestSize } from './window-place.ts';

/** Colours of the page's working plane, so that the window does not flash before the page is drawn. */
const backgrounds = { dark: '#101316', light: '#fcfdfd' } as const;

export interface WindowOptions {
  readonly session: Electron.Session;
  readonly preload: string;
  readonly placeFile: string;
  readonly development: boolean;
}

/** The one window kind there is. The only place that spells web preferences. */
export function openWindow({ session, preload, placeFile, development }: WindowOptions): BrowserWindow {
  const webPreferences: WebPreferences = Object.freeze({
    session,
    preload,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    spellcheck: false,
    navigateOnDragDrop: false,
    safeDialogs: true,
    enableWebSQL: false,
    devTools: development,
  });
  const place = loadPlace(
    placeFile,
    screen.getAllDisplays().map((display) => display.workArea),
  );
  const window = new BrowserWindow({
    ...(place?.bounds ?? defaultSize),
    minWidth: smallestSize.width,
    minHeight: smallestSize.height,
    show: false,
    title: 'Muster',
    autoHideMenuBar: true,
    backgroundColor: backgrounds[nativeTheme.shouldUseDarkColors ? 'dark' : 'light'],
    webPreferences,
  });
  trustContents(window.webContents);
  window.removeMenu();
  window.on('page-title-updated', (event) => event.preventDefault());
  let ending = false;
  window.once('ready-to-show', () => {
    if (ending) return;
    if (place?.maximized) window.maximize();
    window.show();
  });
  const keepPlace = (): void => {
    savePlace(placeFile, { bounds: window.getNormalBounds(), maximized: window.isMaximized() });
  };
  window.on('close', keepPlace);
  // First of all listeners: the next one hides the window.
  app.prependListener('before-quit', () => {
    if (ending || window.isDestroyed()) return;
    ending = true;
    keepPlace();
  });
  reloadAfterCrash(window);
  void window.loadURL(indexAddress);
  return window;
}

/** A page that died comes back and catches up from a snapshot, unless it dies again and again. */
function reloadAfterCrash(window: BrowserWindow): void {
  const crashes: number[] = [];
  window.webContents.on('render-process-gone', (_event, details) => {
    if (details.reason === 'clean-exit') return;
    crashes.push(Date.now());
    const delayMs = restartDelayMs(crashes);
    if (delayMs === undefined) return;
    setTimeout(() => {
      if (!window.isDestroyed()) window.webContents.reload();
    }, delayMs);
  });
}

import { app, BrowserWindow, nativeTheme, screen, type WebPreferences } from 'electron';
import { endOfProcess } from './process-end.ts';
import type { EndingWindow } from './quit.ts';
import { indexAddress } from './renderer-files.ts';
import { restartDelayMs } from './restart-policy.ts';
import { trustContents } from './security/senders.ts';
import { defaultSize, loadPlace, savePlace, smallestSize } from './window-place.ts';

/** Colours of the page's working plane, so that the window does not flash before the page is drawn. */
const backgrounds = { dark: '#101316', light: '#fcfdfd' } as const;

/** Chromium itself ends a page that does not end by itself after 2 s; this is for what even that does not reach. */
const PAGE_LIMIT_MS = 5_000;

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

/** The window for the end of the app. Call once it is open; `onStuck`: its page hung and was ended. */
export function endOfWindow(window: BrowserWindow, onStuck: () => void): EndingWindow {
  let pageEnd: Promise<void> | undefined;
  // Looked for from the moment of the closing on: later its process id may belong to somebody else.
  const awaitPage = (): void => {
    const page = window.webContents.getOSProcessId();
    pageEnd ??= page === 0 ? Promise.resolve() : pageGone(page, onStuck);
  };
  window.once('close', awaitPage);
  return {
    hide: () => {
      if (!window.isDestroyed()) window.hide();
    },
    close: async () => {
      if (!window.isDestroyed()) {
        awaitPage();
        window.destroy();
      }
      await pageEnd;
    },
  };
}

async function pageGone(pid: number, onStuck: () => void): Promise<void> {
  if (!(await endOfProcess(pid, PAGE_LIMIT_MS))) onStuck();
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

/*
 * A main process without a station behind it: serves the built page with the product's own headers and preload,
 * and answers every channel with what the test put there. Driven by the test through `globalThis.fakeMain`.
 */
const fs = require('node:fs');
const path = require('node:path');
const { app, BrowserWindow, ipcMain, protocol } = require('electron');

/** @type {Record<string, string>} */
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2' };

protocol.registerSchemesAsPrivileged([
  { scheme: 'muster', privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);
app.on('window-all-closed', () => app.quit());

const fakeMain = {
  /** @type {Record<string, string>} */
  answers: {},
  /** @type {{ channel: string, json: string }[]} */
  calls: [],
  /** @type {import('electron').BrowserWindow | undefined} */
  window: undefined,

  /**
   * Opens the window; `folder` is the built page, `headers` those the product sends.
   * @param {{ folder: string, preload: string, headers: Record<string, string>, channels: readonly string[] }} options
   */
  async open({ folder, preload, headers, channels }) {
    await app.whenReady();
    protocol.handle('muster', (request) => {
      const file = path.join(folder, path.normalize(new URL(request.url).pathname));
      if (!file.startsWith(folder) || !fs.existsSync(file)) return new Response('Not found', { status: 404 });
      const contentType = types[path.extname(file)] ?? 'application/octet-stream';
      return new Response(fs.readFileSync(file), { headers: { ...headers, 'content-type': contentType } });
    });
    for (const channel of channels) {
      ipcMain.handle(channel, (_event, json) => {
        fakeMain.calls.push({ channel, json });
        return fakeMain.answers[channel] ?? JSON.stringify({ ok: true, value: null });
      });
    }
    fakeMain.window = new BrowserWindow({
      width: 1440,
      height: 900,
      useContentSize: true,
      webPreferences: { preload, sandbox: true, contextIsolation: true, nodeIntegration: false },
    });
    // What the page before has asked is over; its last requests may come after a test has begun.
    fakeMain.window.webContents.on('did-navigate', () => {
      fakeMain.calls.length = 0;
    });
    await fakeMain.window.loadURL('muster://app/index.html');
  },

  /**
   * @param {string} channel
   * @param {string} json
   */
  send(channel, json) {
    fakeMain.window?.webContents.send(channel, json);
  },
};
Object.assign(globalThis, { fakeMain });

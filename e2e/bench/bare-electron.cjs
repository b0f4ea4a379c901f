// The least an Electron window can be: what the Station's start is compared with.
const { app, BrowserWindow } = require('electron');

void app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 1440, height: 900, show: false });
  window.once('ready-to-show', () => window.show());
  void window.loadURL('data:text/html,<!doctype html><title>bare</title><p>bare');
});
app.on('window-all-closed', () => app.quit());

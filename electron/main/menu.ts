import { Menu } from 'electron';

/** No menu bar. macOS keeps the little without which its own shortcuts (quit, copy, paste) would be dead. */
export function setMenu(platform: NodeJS.Platform): void {
  const menu =
    platform === 'darwin'
      ? Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }])
      : null;
  Menu.setApplicationMenu(menu);
}

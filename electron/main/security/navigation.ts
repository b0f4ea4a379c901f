import type { WebContents } from 'electron';
import { indexAddress, isAppAddress } from '../renderer-files.ts';

/** Keeps a page where it is: no other address, no second window, no embedded page. */
export function keepInPlace(contents: WebContents): void {
  const refuseForeign = (event: { url: string; isMainFrame: boolean; preventDefault(): void }): void => {
    // A page that reloads itself arrives here as a navigation to where it is.
    if (!isStart(event.url) || !event.isMainFrame) event.preventDefault();
  };
  contents.on('will-navigate', refuseForeign);
  contents.on('will-frame-navigate', refuseForeign);
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('select-bluetooth-device', (event, _devices, answer) => {
    event.preventDefault();
    answer('');
  });
  contents.on('login', (event) => event.preventDefault());
  returnFromBlankPages(contents);
}

/**
 * Chromium goes to `about:` addresses without asking anybody, and stopping it there brings it down. Nothing can be
 * reached from such a page (the bridge refuses it), but the operator would sit before an empty window: come back.
 */
function returnFromBlankPages(contents: WebContents): void {
  const comeBack = (address: string): void => {
    if (isAppAddress(address) || address.startsWith('devtools:')) return;
    // Not from within the event: the navigation that reports here has not ended yet.
    setImmediate(() => {
      if (!contents.isDestroyed()) void contents.loadURL(indexAddress);
    });
  };
  contents.on('did-navigate', (_event, address) => comeBack(address));
  contents.on('did-fail-load', (_event, _code, _text, address, isMainFrame) => {
    if (isMainFrame) comeBack(address);
  });
}

function isStart(address: string): boolean {
  return isAppAddress(address) && address.split('#', 1)[0] === indexAddress;
}

import type { WebContents, WebFrameMain } from 'electron';
import { isAppAddress } from '../renderer-files.ts';

/** What a message says about where it came from. */
export interface MessageOrigin {
  readonly sender: WebContents;
  readonly senderFrame: WebFrameMain | null;
}

const trusted = new WeakSet<WebContents>();

/** Lets the window's contents talk to the main process. Called by the one place that makes windows. */
export function trustContents(contents: WebContents): void {
  trusted.add(contents);
}

/** True when a message comes from the main frame of a window of ours that shows our page. */
export function isTrustedSender(origin: MessageOrigin): boolean {
  const frame = origin.senderFrame;
  if (frame === null || !trusted.has(origin.sender) || origin.sender.isDestroyed()) return false;
  return frame === origin.sender.mainFrame && frame.parent === null && isAppAddress(frame.url);
}

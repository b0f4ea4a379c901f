import { clipboard, shell } from 'electron';
import { printable } from '#shared/model/printable.ts';
import { providerPage } from '#shared/model/provider-page.ts';
import type { StationView } from '../station-view.ts';
import { requestInvalid } from './answers.ts';
import type { MainHandlers } from './handlers.ts';
import type { ProfileHandlers } from './profile-handlers.ts';

/**
 * Opens a page of the identity provider in the system browser. The only call of `openExternal`.
 * Resolves false when the address is not the issuer's or no browser could be started.
 */
export async function openInBrowser(address: string, issuer: string | undefined): Promise<boolean> {
  const allowed = providerPage(address, issuer);
  if (allowed === undefined) return false;
  try {
    await shell.openExternal(allowed);
    return true;
  } catch {
    // No browser is no fault: address, code and QR are on the screen.
    return false;
  }
}

/** What the main process answers itself, because it needs Electron; profiles apart. */
export function mainHandlers(view: StationView): Omit<MainHandlers, keyof ProfileHandlers> {
  return {
    'session.openBrowser': async () => {
      const { address, issuer } = signInPage(view);
      if (!(await openInBrowser(address, issuer)))
        throw requestInvalid('the sign-in page could not be opened in a browser');
      return null;
    },
    'session.copyAddress': async () => {
      clipboard.writeText(signInPage(view).address);
      return null;
    },
    'device.copyEvidence': async ({ text }) => {
      clipboard.writeText(printable(text, { keepNewlines: true }));
      return null;
    },
  };
}

function signInPage(view: StationView): { readonly address: string; readonly issuer: string | undefined } {
  if (view.signInAddress === undefined) throw requestInvalid('no sign-in is waiting for its approval');
  return { address: view.signInAddress, issuer: view.issuer };
}

import type { Session } from 'electron';
import { isAppAddress } from '../renderer-files.ts';

/**
 * Lets the page reach its own files and nothing else, whatever it tries; the engine has its own sockets.
 * Development builds let the developer tools load themselves.
 */
export function closeNetwork(session: Session, development: boolean): void {
  session.webRequest.onBeforeRequest((request, answer) => {
    const allowed = isAppAddress(request.url) || (development && request.url.startsWith('devtools://'));
    answer({ cancel: !allowed });
  });
  // The guard above does not see files.
  session.protocol.handle('file', () => new Response('Not found', { status: 404 }));
  session.on('will-download', (event) => event.preventDefault());
  session.setCertificateVerifyProc((_request, answer) => answer(-2));
  // Switched off it still fetches its dictionary from a server of its maker, past the guard above.
  session.setSpellCheckerEnabled(false);
  session.setSpellCheckerLanguages([]);
}

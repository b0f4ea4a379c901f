import { app, session } from 'electron';
import { keepInPlace } from './navigation.ts';
import { closeNetwork } from './network.ts';
import { refusePermissions } from './permissions.ts';

/** Guards every session and every page there will ever be. Call before the app is ready. */
export function guardEverything(development: boolean): void {
  app.on('session-created', (created) => {
    refusePermissions(created);
    closeNetwork(created, development);
  });
  app.on('web-contents-created', (_event, contents) => keepInPlace(contents));
  app.on('certificate-error', (event, _contents, _url, _error, _certificate, answer) => {
    event.preventDefault();
    answer(false);
  });
  app.on('select-client-certificate', (event, _contents, _url, _certificates, answer) => {
    event.preventDefault();
    answer();
  });
}

/** The window's own session: nothing cached, and never the default one. */
export function stationSession(): Electron.Session {
  return session.fromPartition('persist:station', { cache: false });
}

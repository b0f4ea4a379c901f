import type { Session } from 'electron';

/**
 * Refuses every permission of every kind. Electron's default is to grant. The window needs none:
 * copying goes through the main process, nothing is recorded, located, notified or plugged in.
 */
export function refusePermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  // Electron takes null as "refused"; an empty choice would be a thrown error in this process.
  session.setDisplayMediaRequestHandler((_request, answer) => (answer as (choice: null) => void)(null));
  session.setUSBProtectedClassesHandler(({ protectedClasses }) => protectedClasses);
  session.setBluetoothPairingHandler((_details, answer) => answer({ confirmed: false }));
  session.on('select-hid-device', (event, _details, answer) => {
    event.preventDefault();
    answer();
  });
  session.on('select-usb-device', (event, _details, answer) => {
    event.preventDefault();
    answer();
  });
  session.on('select-serial-port', (event, _ports, _contents, answer) => {
    event.preventDefault();
    answer('');
  });
}

import { defineCommand } from './device-command.ts';

/** Asks systemd in which state the device is (systemctl(1), is-system-running). Changes nothing. */
export const deviceStateCommand = defineCommand(
  'systemctl is-system-running',
  'systemctl is-system-running 2>/dev/null\nexit 0\n',
  { asRoot: true },
);

/** Whether the device is shutting down: then it ends our scripts before it ends the connection. */
export function isGoingDown({ stdout }: { readonly stdout: string }): boolean {
  return stdout.trim() === 'stopping';
}

import { act } from '../../app/bridge.ts';
import { showSignIn } from '../../app/navigation.ts';
import { stationNow } from '../../app/station-store.ts';
import { groupCauses } from './causes.ts';
import { useGoingOn } from './signed-out-batch.ts';

type Secret = 'ssh-password' | 'sudo-password' | 'key-passphrase';

/** What the station is allowed this once. */
export interface Wish {
  readonly setClock?: boolean;
  readonly takeOver?: boolean;
}

/** Retries devices; a secret entered beside their cause goes along and is not kept here. */
export function retryDevices(
  deviceIds: readonly string[],
  secret?: { kind: Secret; text: string },
  wish: Wish = {},
): Promise<boolean> {
  return act('batch.retry', {
    deviceIds: [...deviceIds],
    ...(secret?.kind === 'ssh-password' ? { sshPassword: secret.text } : {}),
    ...(secret?.kind === 'sudo-password' ? { sudoPassword: secret.text } : {}),
    ...(secret?.kind === 'key-passphrase' ? { keyPassphrase: secret.text } : {}),
    ...wish,
  });
}

/** Retries one device, when it failed and a retry can help. */
export function retryOne(deviceId: string): void {
  const row = stationNow().rows[deviceId];
  if (row?.state !== 'failed' && row?.state !== 'stopped') return;
  if (row.error?.retry === 'never') return;
  void retryDevices([deviceId]);
}

/** Retries every device that failed for the same cause as this one. */
export function retryCauseOf(deviceId: string): void {
  const rows = Object.values(stationNow().rows);
  const cause = groupCauses(rows).find((group) => group.deviceIds.includes(deviceId));
  if (cause !== undefined && cause.retry !== 'never') void retryDevices(cause.deviceIds);
}

/** Begins the sign-in that a batch waits for, and shows it. */
export function signInToGoOn(): void {
  useGoingOn.setState({ wanted: true });
  showSignIn(true);
  void act('session.signIn');
}

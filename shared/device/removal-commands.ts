import type { DeviceId } from '../model/device-id.ts';
import { forgetBornKeys } from './commands.ts';
import type { DeviceCommand } from './device-command.ts';
import { EXIT_OTHER_ID } from './exit-status.ts';
import { composeTrip, defineFragment, type Fragment } from './fragment.ts';
import {
  agentUserName,
  binaryPath,
  configDirectory,
  configPath,
  epochPath,
  keyPath,
  restartMarkPath,
  unitName,
  unitPath,
} from './paths.ts';
import { shellQuote } from './quote.ts';

/** Takes the agent off a device, in an order in which a run that is cut off can be done again. */

/** Stops the script on a device that is enrolled under another id, before anything is changed. */
function requireDeviceId(deviceId: DeviceId): Fragment {
  return defineFragment(
    `the device is ${deviceId}`,
    `c="$R${configPath}"
id=
if [ -f "$c" ] && [ ! -L "$c" ]; then id=$(sed -n 's/^device_id = "\\([^"]*\\)"$/\\1/p' "$c" | head -n 1 | cut -c1-253); fi
[ -z "$id" ] || [ "$id" = ${shellQuote(deviceId)} ] || { printf 'enrolled as: %s\\n' "$id"; exit ${EXIT_OTHER_ID}; }`,
  );
}

/** systemd knows no unit whose file is gone and that does not run: then there is nothing to stop. */
const unlessGone = `[ ! -e "$R${unitPath}" ]`;

function stopAgent(): Fragment {
  return defineFragment(
    `systemctl disable --now ${unitName}`,
    `systemctl stop ${unitName} || ${unlessGone}
systemctl disable ${unitName} || ${unlessGone}
rm -f "$R/etc/systemd/system/multi-user.target.wants/${unitName}"`,
  );
}

/** The key first: what is cut off after that leaves nothing worth stealing. The config last, which says whose device it is. */
function removeFiles(): Fragment {
  const files = [keyPath, unitPath, binaryPath, restartMarkPath, epochPath, configPath];
  return defineFragment(
    `rm ${files.join(' ')}`,
    `${files.map((path) => `rm -f "$R${path}"`).join('\n')}
rm -f "$R${configDirectory}"/.fleet-agent.new.* "$R${epochPath}.new"
${forgetBornKeys}
if [ -d "$R${configDirectory}" ]; then rmdir "$R${configDirectory}" 2>/dev/null || echo 'something else is in ${configDirectory}; it stays'; fi`,
  );
}

/** The unit was stopped before its file went: what systemd remembers of it goes too. */
function forgetUnit(): Fragment {
  return defineFragment(
    'systemctl daemon-reload',
    `systemctl daemon-reload
systemctl reset-failed ${unitName} 2>/dev/null || true`,
  );
}

/** The account with its home, where the storage of its containers is. */
function removeAgentUser(): Fragment {
  return defineFragment(
    `userdel --remove ${agentUserName}`,
    `uid=$(getent passwd ${agentUserName} | cut -d: -f3)
if [ -n "$uid" ]; then
  loginctl disable-linger ${agentUserName} || true
  systemctl stop "user@$uid.service" || true
  userdel --remove ${agentUserName}
fi`,
  );
}

/**
 * Stops the agent, takes it out of the boot and removes its files; packages stay, and the user account unless asked for.
 * What is gone already is no failure.
 */
export function removeAgent(
  nonce: string,
  deviceId: DeviceId,
  options: { readonly removeUser: boolean },
): DeviceCommand {
  const fragments = [
    requireDeviceId(deviceId),
    stopAgent(),
    removeFiles(),
    forgetUnit(),
    ...(options.removeUser ? [removeAgentUser()] : []),
  ];
  return composeTrip('take the agent off', nonce, [{ step: 'unit', fragments }]);
}

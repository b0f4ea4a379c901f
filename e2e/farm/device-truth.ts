import { expect } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import type { FarmDevice } from './farm.ts';

const managedFiles = [
  '/usr/local/bin/fleet-agent',
  '/etc/fleet-agent/zitadel-key.json',
  '/etc/fleet-agent/config.toml',
  '/etc/fleet-agent/enrollment-epoch',
  '/etc/systemd/system/fleet-agent.service',
];

async function inside(device: FarmDevice, command: string): Promise<string> {
  return (await device.exec(command)).stdout.trim();
}

/**
 * What must hold for an enrolled device, asked from the device and from the identity provider, and not from the station:
 * one user, one grant, one live key and the device holds it; all files right; nothing of ours left lying about or running.
 */
export async function expectEnrolled(device: FarmDevice, deviceId: string, lab: Lab): Promise<void> {
  const { users, grants, keys } = lab.identity.inspect();
  const ours = users.filter((user) => user.live && user.userName === `device-${deviceId}`);
  expect(ours, `machine users of ${deviceId}`).toHaveLength(1);
  const userId = ours[0]?.id ?? '';
  expect(
    grants.filter((grant) => grant.live && grant.userId === userId),
    `grants of ${deviceId}`,
  ).toHaveLength(1);
  const held = JSON.parse(await inside(device, 'cat /etc/fleet-agent/zitadel-key.json')) as {
    keyId: string;
    userId: string;
  };
  expect(held.userId).toBe(userId);
  expect(
    keys.filter((key) => key.live && key.userId === userId).map((key) => key.id),
    `live keys of ${deviceId}`,
  ).toEqual([held.keyId]);
  expect(await inside(device, `stat -c '%n %U:%G %a' ${managedFiles.join(' ')} /etc/fleet-agent`)).toBe(
    [
      '/usr/local/bin/fleet-agent root:root 755',
      '/etc/fleet-agent/zitadel-key.json fleet-agent:fleet-agent 640',
      '/etc/fleet-agent/config.toml root:root 644',
      '/etc/fleet-agent/enrollment-epoch root:root 600',
      '/etc/systemd/system/fleet-agent.service root:root 644',
      '/etc/fleet-agent root:fleet-agent 750',
    ].join('\n'),
  );
  expect(await inside(device, `sed -n 's/^device_id = //p' /etc/fleet-agent/config.toml`)).toBe(
    `"${deviceId}"`,
  );
  expect(await inside(device, 'systemctl is-enabled fleet-agent; systemctl is-active fleet-agent')).toBe(
    'enabled\nactive',
  );
  expect(await inside(device, 'dpkg --audit; ls /var/lib/systemd/linger')).toBe('fleet-agent');
  const folders = '/usr/local/bin /etc/fleet-agent /etc/systemd/system';
  expect(await inside(device, `find ${folders} \\( -name '.*' -o -name '*.new*' \\) -type f`)).toBe('');
  expect(await inside(device, 'flock -n /run/fleet-agent.lock true && echo free')).toBe('free');
}

/** Everything a run could change on a device, to be compared before and after. */
export function stateOf(device: FarmDevice): Promise<string> {
  return inside(
    device,
    `stat -c '%n %y %i' ${managedFiles.join(' ')}; cat /etc/fleet-agent/enrollment-epoch; ` +
      'systemctl show fleet-agent -p MainPID -p NRestarts -p ActiveEnterTimestamp; dpkg-query -W | sha256sum',
  );
}

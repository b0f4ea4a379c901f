import { stringify } from 'smol-toml';
import type { DeviceId } from '../model/device-id.ts';
import type { Profile } from '../model/profile.ts';
import { keyPath } from './paths.ts';

/**
 * `config.toml` of the agent. Equal input gives equal bytes: tables and keys stand in a fixed order, labels are
 * sorted. Nothing of it depends on how the admin signed in or where the key came from.
 */
export function agentConfig(
  profile: Profile,
  deviceId: DeviceId,
  labels: Readonly<Record<string, string>>,
): string {
  const sortedLabels = Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  return stringify({
    agent: { device_id: deviceId },
    nats: { urls: [...(profile.nats?.device_urls ?? profile.nats?.urls ?? [])] },
    labels: sortedLabels,
    credentials: {
      type: 'zitadel-jwt',
      key_path: keyPath,
      oidc_issuer_url: profile.identity.issuer,
      audience: profile.identity.project_id,
      danger_accept_invalid_certs: profile.identity.danger_accept_invalid_certs,
    },
  });
}

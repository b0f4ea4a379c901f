import type { DeviceCredential } from '../engine/ports.ts';
import type { BenchEntry, Profile } from '../model/profile.ts';
import type { Secret } from '../model/secret.ts';
import { parseTarget, type Target } from '../model/target.ts';
import type { DeviceSecrets } from './secret-questions.ts';
import { UsageError } from './usage-error.ts';

/** A target as it was typed. @throws UsageError */
export function readTarget(text: string): Target {
  const result = parseTarget(text);
  if (!result.ok) throw new UsageError(`--target: ${result.says}`);
  return result.target;
}

/** Target and login of a device that is looked at, as an enrollment of it would have them. */
export function reachOf(
  entry: Pick<BenchEntry, 'target'>,
  profile: Profile,
  secrets: DeviceSecrets,
): {
  readonly target: Target;
  readonly credential: DeviceCredential;
  readonly sudoPassword: Secret | undefined;
} {
  const target = readTarget(entry.target);
  const user = (target.kind === 'ssh' ? target.user : undefined) ?? profile.ssh.user;
  return {
    target,
    credential: {
      user,
      ...(secrets.sshPassword === undefined ? {} : { password: secrets.sshPassword }),
      ...(secrets.keyPassphrase === undefined ? {} : { keyPassphrase: secrets.keyPassphrase }),
    },
    sudoPassword: secrets.sudoPassword,
  };
}

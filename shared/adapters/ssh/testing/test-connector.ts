import { HANGS_AFTER_MS } from '../../../testing/patience.ts';
import { silentLogger } from '../../log/logger.ts';
import { systemClock } from '../../system/clock.ts';
import { createSshConnector, type SshConnector, type SshConnectorOptions } from '../connector.ts';
import type { Account, SshSettings } from '../route.ts';

/** An account that has nothing of its own: no home, no agent. */
export const bareAccount: Account = { home: '/nonexistent', user: 'nobody', agentSocket: undefined };

/** A connector with the real clock, without a log. A login has all the time it takes, unless its limits say otherwise. */
export function testConnector(
  ssh: SshSettings = {},
  { limits, ...more }: Partial<SshConnectorOptions> = {},
): SshConnector {
  return createSshConnector({
    ...{ clock: systemClock, logger: silentLogger, account: bareAccount, ssh, ...more },
    limits: { connectMs: HANGS_AFTER_MS, ...limits },
  });
}

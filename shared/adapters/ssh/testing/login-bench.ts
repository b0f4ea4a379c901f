import { defineCommand } from '../../../device/device-command.ts';
import type { DeviceCredential, DeviceSession, HostKeyPins } from '../../../engine/ports.ts';
import { parseTarget, type SshTarget } from '../../../model/target.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '../../../testing/patience.ts';
import type { SshSettings } from '../route.ts';
import { MemoryPins } from './pins.ts';
import type { RealSshd } from './real-sshd.ts';
import { bareAccount, testConnector } from './test-connector.ts';

/** How a test logs in. */
export interface Ways {
  readonly ssh?: SshSettings;
  readonly agentSocket?: string | undefined;
  readonly credential?: Partial<DeviceCredential>;
  readonly pins?: HostKeyPins;
  readonly notes?: string[];
}

export interface LoginBench {
  readonly open: DeviceSession[];
  /** Connects as root unless the target or the configuration says otherwise. */
  connectTo(target: string, ways?: Ways): Promise<DeviceSession>;
  printed(session: DeviceSession, script: string): Promise<string>;
  closeAll(): void;
}

/** Connections of a test that are closed together. `home` is the home folder of the account. */
export function createLoginBench(home: string): LoginBench {
  const open: DeviceSession[] = [];
  return {
    open,
    connectTo: async (text, ways = {}) => {
      const parsed = parseTarget(text);
      if (!parsed.ok) throw new Error(parsed.says);
      const account = { ...bareAccount, home, agentSocket: ways.agentSocket };
      const session = await testConnector(ways.ssh, { account }).connect(parsed.target as SshTarget, {
        credential: { user: 'root', ...ways.credential },
        hostKeys: ways.pins ?? new MemoryPins(),
        signal: unlessItHangs(),
        onNote: (note) => ways.notes?.push(note),
      });
      open.push(session);
      return session;
    },
    printed: async (session, script) => {
      const result = await session.run(defineCommand('Test', script, { asRoot: false }), {
        elevation: { kind: 'none' },
        signal: unlessItHangs(),
        limitMs: HANGS_AFTER_MS,
      });
      return result.stdout;
    },
    closeAll: () => {
      for (const session of open.splice(0)) session.close();
    },
  };
}

/** Connections and logins an sshd has seen. Those that are still open have to be closed first. */
export async function seen(
  server: RealSshd,
): Promise<{ connections: number; accepted: number; attempts: number }> {
  await server.whenIdle();
  const count = (pattern: RegExp) => server.log().match(pattern)?.length ?? 0;
  return {
    connections: count(/^Connection from /gm),
    accepted: count(/^Accepted publickey /gm),
    attempts: count(/^(?:Accepted|Failed|Postponed|Connection closed by authenticating) /gm),
  };
}

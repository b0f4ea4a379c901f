import type { DeviceFiles } from '../device-files.ts';
import type { Condition } from './condition.ts';

const oldKey = JSON.stringify({
  type: 'serviceaccount',
  keyId: 'old-generation-key',
  key: 'no key at all: of an older generation',
  userId: 'old-generation-user',
});

const oldConfig = `# written by hand, two years ago
[agent]
device_id = "old-generation"

[nats]
urls = ["nats://192.0.2.1:4222"]
`;

/** An agent from before: it runs and does nothing of use. */
const oldBinary = `#!/bin/sh
echo "fleet-agent 0.1 of an older generation"
while :; do sleep 5; done
`;

async function leaveOldGeneration(files: DeviceFiles): Promise<void> {
  await files.run(
    'useradd',
    '--create-home',
    '--home-dir',
    '/opt/fleet',
    '--shell',
    '/bin/bash',
    'fleet-agent',
  );
  await files.write('/usr/local/bin/fleet-agent', oldBinary, { mode: 0o777, owner: 'fleet-agent' });
  await files.write('/etc/fleet-agent/config.toml', oldConfig, { mode: 0o666, owner: 'fleet-agent' });
  await files.write('/etc/fleet-agent/zitadel-key.json', oldKey, { mode: 0o644 });
  await files.run('chmod', '0777', '/etc/fleet-agent');
  await files.enableUnit(
    'fleet-agent.service',
    `[Unit]
Description=Fleet agent (old)

[Service]
User=fleet-agent
ExecStart=/usr/local/bin/fleet-agent

[Install]
WantedBy=multi-user.target
`,
  );
  await files.write(
    '/etc/systemd/system/fleet-agent.service.d/10-site.conf',
    '[Service]\nEnvironment=FLEET_AGENT_GENERATION=1\nNice=5\n',
  );
}

/** What an earlier generation of the fleet has left. */
export const generationConditions = {
  'old-generation': {
    about:
      'an older agent runs: user with a login shell and another home, older unit with a drop-in, older binary, config and key of wrong owner and mode',
    prepare: leaveOldGeneration,
  },
} as const satisfies Record<string, Condition>;

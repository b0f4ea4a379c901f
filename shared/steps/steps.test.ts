import { describe, expect, it } from 'vitest';
import { agentConfig } from '../device/agent-config.ts';
import { configPath } from '../device/paths.ts';
import type { DeviceFacts } from '../model/facts.ts';
import { buildDesired, buildProfile, convergedFacts, deviceId, freshFacts } from '../testing/builders.ts';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { agentUser } from './agent-user.ts';
import { binary } from './binary.ts';
import type { Action, Desired, Step } from './define-step.ts';
import { heartbeat } from './heartbeat.ts';
import { plannedSteps } from './index.ts';
import { keyConfig } from './key-config.ts';
import { packages } from './packages.ts';
import { unit } from './unit.ts';

const desired = buildDesired();
const done = convergedFacts(desired);

/** What a step would do, in the words of the log. */
function plan(step: Step, facts: DeviceFacts, wanted: Desired = desired, agentChanges = false): string[] {
  return step
    .plan({ facts, desired: wanted, agentChanges })
    .map((action: Action) => (action.kind === 'run' ? action.fragment.shows : action.kind));
}

const linger = 'loginctl enable-linger fleet-agent';
const socket = 'systemctl --user --machine=fleet-agent@ enable --now podman.socket';
const subordinate = 'usermod --add-subuids, --add-subgids fleet-agent';
const directory = 'install -d -m 0750 -g fleet-agent /etc/fleet-agent';
const key = { keyId: 'k1', userId: '39', protectedRight: true };
const user = done.agentUser;
const writeUnit = 'write /etc/systemd/system/fleet-agent.service';
const reload = 'systemctl daemon-reload';
const restart = 'systemctl restart fleet-agent.service';

const table: [string, Step, Partial<DeviceFacts>, string[]][] = [
  [
    ...(['packages, some missing', packages, { missingPackages: ['uidmap'] }] as const),
    ['apt-get install uidmap'],
  ],
  ['user, not lingering', agentUser, { agentUser: { ...user, lingering: false } }, [linger]],
  ['user, no id ranges', agentUser, { agentUser: { ...user, hasSubordinateIds: false } }, [subordinate]],
  ['user, dead manager', agentUser, { agentUser: { ...user, managerRunning: false } }, [linger]],
  ['user, no socket', agentUser, { agentUser: { ...user, podmanSocketEnabled: false } }, [socket]],
  ['user, dead socket', agentUser, { agentUser: { ...user, podmanSocketListens: false } }, [socket]],
  [
    ...(['user, another main group', agentUser, { agentUser: { ...user, hasOwnGroup: false } }] as const),
    ['usermod --gid fleet-agent fleet-agent'],
  ],
  [
    ...(['user, no home', agentUser, { agentUser: { ...user, hasHome: false } }] as const),
    ['usermod --home /var/lib/fleet-agent fleet-agent', linger, socket],
  ],
  ['binary, an older one', binary, { binarySha256: 'f'.repeat(64) }, ['upload']],
  [
    ...(['no key', keyConfig, { key: undefined }] as const),
    ['mint-key', directory, 'raise /etc/fleet-agent/enrollment-epoch', 'deliver-key'],
  ],
  [
    ...(['the key of another user', keyConfig, { key: { ...key, userId: '40' } }] as const),
    ['mint-key', directory, 'raise /etc/fleet-agent/enrollment-epoch', 'deliver-key'],
  ],
  [
    ...(['a key that no longer logs in', keyConfig, { key: { ...key, keyId: 'gone' } }] as const),
    ['mint-key', directory, 'raise /etc/fleet-agent/enrollment-epoch', 'deliver-key'],
  ],
  [
    ...(['a key others can read', keyConfig, { key: { ...key, protectedRight: false } }] as const),
    [directory, 'chown fleet-agent, chmod 0640 /etc/fleet-agent/zitadel-key.json'],
  ],
  ['a directory others can enter', keyConfig, { configDirectoryRight: false }, [directory]],
  ['a unit file that counts as absent', unit, { unitSha256: undefined }, [writeUnit, reload, restart]],
  [
    ...(['another config', keyConfig, { configSha256: 'f'.repeat(64) }] as const),
    [directory, `write ${configPath}`],
  ],
  [
    ...(['neither key nor config', keyConfig, { key: undefined, configSha256: undefined }] as const),
    ['mint-key', directory, 'raise /etc/fleet-agent/enrollment-epoch', 'deliver-key', `write ${configPath}`],
  ],
  ['another unit file', unit, { unitSha256: 'f'.repeat(64) }, [writeUnit, reload, restart]],
  [
    ...(['not enabled', unit, { unit: { ...done.unit, enabled: false } }] as const),
    ['systemctl enable fleet-agent.service'],
  ],
  [
    ...(['not running', unit, { unit: { ...done.unit, active: false } }] as const),
    ['systemctl start fleet-agent.service'],
  ],
  [
    ...(['drop-ins of others', unit, { unit: { ...done.unit, hasForeignDropIns: true } }] as const),
    ['set aside fleet-agent.service.d', restart],
  ],
  [
    ...(['edited and not read again', unit, { unit: { ...done.unit, needsReload: true } }] as const),
    [reload, restart],
  ],
  ['a restart that was cut off', unit, { unit: { ...done.unit, needsRestart: true } }, [restart]],
];

describe('half done', () => {
  it.each(table)('%s', (_what, step, change, expected) => {
    expect(plan(step, { ...done, ...change })).toEqual(expected);
  });
});

describe('fresh', () => {
  const fresh = freshFacts();

  it('does everything, in order', () => {
    expect(plan(packages, fresh)).toEqual([`apt-get install ${fresh.missingPackages.join(' ')}`]);
    expect(plan(agentUser, fresh)).toEqual([
      'useradd --system fleet-agent',
      ...[subordinate, 'systemctl --user enable podman.socket', linger, 'wait for podman.sock'],
    ]);
    expect(plan(binary, fresh)).toEqual(['upload']);
    expect(plan(keyConfig, fresh)).toEqual([
      'mint-key',
      directory,
      'raise /etc/fleet-agent/enrollment-epoch',
      'deliver-key',
      `write ${configPath}`,
    ]);
    expect(plan(unit, fresh)).toEqual([writeUnit, 'systemctl enable fleet-agent.service', restart]);
    expect(plan(heartbeat, fresh)).toEqual(['wait-for-heartbeat']);
  });
});

describe('already so', () => {
  it.each(plannedSteps.filter((step) => step !== heartbeat))('$id has no actions', (step) => {
    expect(plan(step, done)).toEqual([]);
  });

  it('the unit is restarted all the same when the agent’s files change, and only then', () => {
    expect(plan(unit, done, desired, true)).toEqual([restart]);
    expect(plannedSteps.filter((step) => step.changesAgent).map((step) => step.id)).toEqual([
      ...['binary', 'key-config', 'unit'],
    ]);
  });

  it('the heartbeat is waited for on every run, and left out without NATS', () => {
    const context = { facts: done, agentChanges: false };
    expect(heartbeat.skip?.({ ...context, desired })).toBeUndefined();
    const without = { ...context, desired: { ...desired, watchesHeartbeats: false } };
    expect(heartbeat.skip?.(without)).toContain('not checked');
  });
});

describe('hostile values', () => {
  it('stay one word in every shell command they end up in', () => {
    const missingPackages = ["a'; touch owned; '", '$(touch owned)'];
    const [action] = packages.plan({ facts: { ...done, missingPackages }, desired, agentChanges: false });
    const script = action?.kind === 'run' ? action.fragment.script : '';
    const root = new TemporaryRoot();
    root.standIn('apt-get', `for word; do printf '%s\\n' "$word"; done`);
    for (const program of ['dpkg', 'touch']) root.standIn(program, ':');
    const { stdout } = runShell(script, { env: root.env });
    for (const name of missingPackages) expect(stdout.split('\n')).toContain(name);
    expect(root.calls().some((call) => call.startsWith('touch'))).toBe(false);
    root.remove();
  });

  it('of a label reach the config as they are', () => {
    const content = agentConfig(buildProfile(), deviceId('a'), { group: "x'; reboot; $(reboot)" });
    const wanted = { ...desired, config: { content, sha256: 'e'.repeat(64) } };
    const actions = keyConfig.plan({ facts: done, desired: wanted, agentChanges: false });
    const last = actions.at(-1);
    const script = last?.kind === 'run' ? last.fragment.script : '';
    const printed = /^printf '%s' .*? > "\$t"/ms.exec(script)?.[0].replace(' > "$t"', '') ?? '';
    expect(runShell(printed).stdout).toBe(content);
  });
});

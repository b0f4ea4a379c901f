import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namesFleet, type ProfileOptions, profileOf } from './profile-options.ts';
import { createProgram } from './program.ts';
import { UsageError } from './usage-error.ts';

const signal = new AbortController().signal;
const named = { issuerUrl: 'https://id.example', audience: 'p1', agentBinary: ['x86_64=/agents/x'] };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-options-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function profileFile(): string {
  const file = join(folder, 'plant.toml');
  const text = `name = "plant"
labels = { group = "a", site = "b" }
[identity]
issuer = "https://plant.example"
client_id = "c1"
project_id = "p0"
[nats]
urls = ["nats://plant.example:4222"]
heartbeat_limit_seconds = 77
[agent.binaries]
aarch64 = "agents/arm"
`;
  writeFileSync(file, text);
  return file;
}

/** One in which no setting has the value that an option of the table gives. */
function fullProfile(agent = false): string {
  const file = join(folder, 'full.toml');
  const text = `name = "full"
labels = { group = "a", site = "b" }
[identity]
issuer = "https://plant.example"
client_id = "c1"
project_id = "p0"
org_id = "o1"
ca_file = "ca.pem"
[nats]
urls = ["nats://plant.example:4222"]
[ssh]
user = "operator"
private_key_file = "key"
agent = ${agent}
jump = ["jump@bastion"]
config_file = "config"
known_hosts_file = "known"
[agent.binaries]
aarch64 = "agents/arm"
[batch]
concurrency = 2
`;
  writeFileSync(file, text);
  return file;
}

it('options alone make a profile, with the defaults of one', async () => {
  const profile = await profileOf(named, { hasToken: true }, signal);
  expect(profile).toMatchObject({
    identity: { issuer: 'https://id.example', project_id: 'p1', device_role: 'device' },
    agent: { binaries: { x86_64: '/agents/x' } },
    ssh: { user: 'pi' },
    batch: { concurrency: 8 },
  });
  expect(profile.nats).toBeUndefined();
});

it('options win over the profile, and leave the rest of it', async () => {
  const options = {
    ...named,
    profile: profileFile(),
    labels: ['group=z'],
    natsUrl: ['nats://a:1,nats://b:2'],
  };
  const profile = await profileOf(options, { hasToken: false }, signal);
  expect(profile).toMatchObject({
    name: 'plant',
    identity: { issuer: 'https://id.example', client_id: 'c1', project_id: 'p1' },
    nats: { urls: ['nats://a:1', 'nats://b:2'], heartbeat_limit_seconds: 77 },
    agent: { binaries: { x86_64: '/agents/x', aarch64: join(folder, 'agents/arm') } },
    labels: { group: 'z', site: 'b' },
  });
});

it('says all that is missing at once; a token needs no client, and a doctor nothing', async () => {
  await expect(profileOf({}, { hasToken: false }, signal)).rejects.toThrow(
    '--issuer-url, --audience, --admin-oidc-client-id, --agent-binary',
  );
  await expect(profileOf({}, { hasToken: true }, signal)).rejects.not.toThrow('client');
  expect(namesFleet(await profileOf({}, { hasToken: false, mayBeIncomplete: true }, signal))).toBe(false);
  expect(namesFleet(await profileOf(named, { hasToken: true }, signal))).toBe(true);
});

it.each([
  [{ ...named, labels: ['group'] }, 'name=value'],
  [{ ...named, agentBinary: ['/nowhere/agent'] }, 'ENOENT'],
  [{ ...named, agentBinary: [import.meta.filename] }, 'name one as in aarch64=PATH'],
  [{ ...named, agentBinary: ['x86_64=a', 'x86_64=b'] }, 'two files for x86_64'],
])('refuses %j', async (options, says) => {
  await expect(profileOf(options, { hasToken: true }, signal)).rejects.toThrow(says);
});

/** What each option gives, where in the profile that lands, and values it refuses. */
const table: Record<
  string,
  {
    readonly words: readonly string[];
    readonly setting: string;
    readonly gives: unknown;
    /** `ssh.agent` of the profile. */
    readonly agentBefore?: boolean;
    readonly refuses?: readonly string[];
  }
> = {
  '--issuer-url': {
    ...{ words: ['https://other.example'], setting: 'identity.issuer', gives: 'https://other.example' },
    refuses: ['nowhere', 'http://other.example'],
  },
  '--audience': { words: ['p9'], setting: 'identity.project_id', gives: 'p9', refuses: ['', 'p 9'] },
  '--admin-oidc-client-id': { words: ['c9'], setting: 'identity.client_id', gives: 'c9', refuses: ['c 9'] },
  '--admin-org-id': { words: ['o9'], setting: 'identity.org_id', gives: 'o9', refuses: [''] },
  '--ca-file': { words: ['/o/ca'], setting: 'identity.ca_file', gives: '/o/ca', refuses: [''] },
  '--danger-accept-invalid-certs': {
    ...{ words: [], setting: 'identity.danger_accept_invalid_certs', gives: true },
  },
  '--nats-url': {
    ...{ words: ['nats://a:1,nats://b:2'], setting: 'nats.urls', gives: ['nats://a:1', 'nats://b:2'] },
    refuses: ['http://a', ''],
  },
  '--agent-binary': {
    ...{ words: ['armv7=/o/agent'], setting: 'agent.binaries.armv7', gives: '/o/agent' },
    refuses: ['/nowhere/agent', 'armv7='],
  },
  '--labels': { words: ['group=z'], setting: 'labels.group', gives: 'z', refuses: ['group', 'a b=c'] },
  '--ssh-user': { words: ['other'], setting: 'ssh.user', gives: 'other', refuses: [''] },
  '--ssh-key': { words: ['/o/key'], setting: 'ssh.private_key_file', gives: '/o/key', refuses: [''] },
  '--ssh-agent': { words: [], setting: 'ssh.agent', gives: true },
  '--no-ssh-agent': { words: [], setting: 'ssh.agent', gives: false, agentBefore: true },
  '--jump': {
    ...{ words: ['a@j1,ssh://j2:222'], setting: 'ssh.jump', gives: ['a@j1', 'ssh://j2:222'] },
    refuses: ['local', 'a@', 'a,b,c,d,e', ''],
  },
  '--no-jump': { words: [], setting: 'ssh.jump', gives: undefined },
  '--ssh-config': { words: ['/o/config'], setting: 'ssh.config_file', gives: '/o/config', refuses: [''] },
  '--no-ssh-config': { words: [], setting: 'ssh.config_file', gives: undefined },
  '--host-keys': { words: ['known'], setting: 'ssh.host_keys', gives: 'known', refuses: ['any', ''] },
  '--known-hosts': { words: ['/o/known'], setting: 'ssh.known_hosts_file', gives: '/o/known', refuses: [''] },
  '--concurrency': {
    ...{ words: ['3'], setting: 'batch.concurrency', gives: 3, refuses: ['many', '0', '65', '1.5', ''] },
  },
};
/** Options of a command that are no settings of a profile: what it is asked for, and how it tells. */
const notOfProfile = [
  ...['--profile', '--target', '--device-id', '--state-dir', '--json', '--dry-run', '--verbose', '--yes'],
  ...[
    '--take-over',
    '--set-clock',
    '--trust-host-key',
    '--wait-for-sign-in',
    '--keep-agent',
    '--remove-user',
  ],
  // The policy that it names is chosen where the keychain is opened: token-policy.test.ts.
  ...['--token-cache', '--no-token-cache'],
];
const reaching: readonly (readonly string[])[] = [
  ['enroll', '--target', 'a', '--device-id', 'a'],
  ['rotate', 'a', '--target', 'a'],
  ['decommission', 'a', '--target', 'a'],
  ['batch'],
  ['doctor', '--target', 'a'],
];
const commandNamed = (
  name: string | undefined,
  finish: (options: ProfileOptions) => void = () => undefined,
) => {
  const program = createProgram(
    () => {
      throw new Error('No command is run here.');
    },
    () => undefined,
  );
  for (const one of program.commands)
    one
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .action(() => finish(one.opts()));
  const command = program.commands.find((one) => one.name() === name);
  if (command === undefined) throw new Error(`There is no command ${name}.`);
  return { program, command };
};
/** The profile that a command line comes to, as each command makes it. */
async function profileBy(words: readonly string[]) {
  let options: ProfileOptions = {};
  const { program } = commandNamed(words[0], (given) => {
    options = given;
  });
  await program.parseAsync([...words], { from: 'user' });
  return profileOf(options, { hasToken: false }, signal);
}
const settingOf = (profile: unknown, setting: string): unknown =>
  setting.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], profile);

/** A profile less one setting of it. */
function without(profile: unknown, setting: string): unknown {
  const [name = '', ...rest] = setting.split('.');
  const { [name]: value, ...others } = profile as Record<string, unknown>;
  return rest.length === 0 ? others : { ...others, [name]: without(value, rest.join('.')) };
}

describe.each(reaching.map((words) => ({ name: words[0] ?? '', words })))(
  'on the command line of $name',
  ({ name, words }) => {
    const { command } = commandNamed(name);
    const options = command.options.map((option) => option.long ?? '');
    const ofProfile = options.filter((option) => !notOfProfile.includes(option));

    it('every option is a setting of the profile or known to be none', () => {
      expect(ofProfile.filter((option) => table[option] === undefined)).toEqual([]);
      expect(ofProfile).toEqual(
        expect.arrayContaining(['--ssh-agent', '--jump', '--ssh-config', '--host-keys', '--known-hosts']),
      );
    });

    it.each(ofProfile)('%s wins over the profile, and changes nothing else of it', async (option) => {
      const { words: value = [], setting = '', gives, agentBefore } = table[option] ?? {};
      const profile = ['--profile', fullProfile(agentBefore)];
      const [before, after] = await Promise.all([
        profileBy([...words, ...profile]),
        profileBy([...words, ...profile, option, ...value]),
      ]);
      expect(settingOf(before, setting)).not.toEqual(gives);
      expect(settingOf(after, setting)).toEqual(gives);
      expect(without(after, setting)).toEqual(without(before, setting));
    });

    const bad = ofProfile.flatMap((option) => (table[option]?.refuses ?? []).map((value) => [option, value]));
    it.each(bad)('%s "%s" is refused as a mistake of the command line', async (option = '', value = '') => {
      const given = profileBy([...words, '--profile', fullProfile(), `${option}=${value}`]);
      const refused = await given.catch((thrown: unknown) => thrown);
      expect(refused).toSatisfy((one) => one instanceof UsageError || one instanceof CommanderError);
      expect(String(refused)).toContain(option);
    });
  },
);

it('a jump host after --no-jump is taken, and --no-jump after one is none', async () => {
  const words = ['doctor', '--target', 'a', '--profile', fullProfile()];
  expect((await profileBy([...words, '--no-jump', '--jump', 'b'])).ssh.jump).toEqual(['b']);
  expect((await profileBy([...words, '--jump', 'b', '--no-jump'])).ssh.jump).toBeUndefined();
});

it('a file name is seen from the folder one stands in, and ~ is the home folder', async () => {
  const ssh = (await profileOf({ ...named, sshConfig: '~/c', knownHosts: 'k' }, { hasToken: true }, signal))
    .ssh;
  expect(ssh).toMatchObject({ config_file: join(homedir(), 'c'), known_hosts_file: resolve('k') });
});

it('what is wrong with the profile itself stays a mistake of the profile', async () => {
  const options = { ...named, profile: join(folder, 'wrong.toml') };
  writeFileSync(options.profile, 'name = "wrong"\n');
  await expect(profileOf(options, { hasToken: true }, signal)).rejects.toMatchObject({
    code: 'STATION_PROFILE_INVALID',
  });
});

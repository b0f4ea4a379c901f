import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { namesFleet, profileOf } from './profile-options.ts';

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

it.each([
  [{ ...named, concurrency: 'many' }, 'batch.concurrency'],
  [{ ...named, natsUrl: ['http://x'] }, 'nats.urls'],
  [{ ...named, issuerUrl: 'http://id.example' }, 'plain http'],
])('judges %j by the rules of a profile', async (options, says) => {
  await expect(profileOf(options, { hasToken: true }, signal)).rejects.toMatchObject({
    code: 'STATION_PROFILE_INVALID',
    message: expect.stringContaining(says),
  });
});

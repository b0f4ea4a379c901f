import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KvEntry, Kvm } from '@nats-io/kv';
import {
  AuthorizationError,
  type ConnectionOptions,
  connect,
  headers,
  type NatsConnection,
} from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseDeviceId } from '#shared/model/device-id.ts';
import { HANGS_AFTER_MS } from '#shared/testing/patience.ts';
import { deviceInboxPrefix } from './permissions.ts';
import { type LabNats, startLabNats } from './start-lab-nats.ts';
import { findNatsServer } from './testing/find-nats-server.ts';
import { newRsaPair, signToken, startTestIssuer, type TestIssuer } from './testing/test-issuer.ts';

const executable = findNatsServer();
if (executable === undefined) {
  console.warn('SKIPPED: lab NATS tests. No nats-server in MUSTER_NATS_SERVER, on PATH or in the cache.');
}

const PROJECT = '371639797157987125';
const rolesClaim = (project: string): string => `urn:zitadel:iam:org:project:${project}:roles`;
const role = (name: string, project = PROJECT): Record<string, unknown> => ({
  [rolesClaim(project)]: { [name]: { '1': 'muster.lab' } },
});
const deviceOfUser = new Map([
  ['user-a', 'press-07'],
  ['user-b', 'press-08'],
  ['user-c', 'press-07.north'],
  ['user-wild', '*'],
]);

const inboxOf = (id: string): string => {
  const parsed = parseDeviceId(id);
  if (!parsed.ok) throw new Error(parsed.problem.says);
  return deviceInboxPrefix(parsed.id);
};

describe.skipIf(executable === undefined)('startLabNats', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-lab-nats-'));
  const stop = new AbortController();
  const open: NatsConnection[] = [];
  let issuer: TestIssuer;
  let lab: LabNats;

  beforeAll(async () => {
    issuer = await startTestIssuer();
    lab = await startLabNats({
      executable: executable ?? '',
      host: '127.0.0.1',
      port: 0,
      dir,
      issuer: issuer.url,
      projectId: PROJECT,
      lookupDeviceId: async (userId) => deviceOfUser.get(userId),
      isOperator: async (userId) => userId === 'owner',
      stationClientRoles: ['fleet-watcher'],
      signal: stop.signal,
    });
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((connection) => connection.close()));
  });

  afterAll(async () => {
    await lab?.stop();
    await issuer?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function connectWith(token: string, options: ConnectionOptions): Promise<NatsConnection> {
    const connection = await connect({
      servers: [...lab.urls],
      token,
      reconnect: false,
      timeout: HANGS_AFTER_MS,
      ...options,
    });
    open.push(connection);
    return connection;
  }

  async function connectDevice(userId: string, id: string): Promise<NatsConnection> {
    const token = await issuer.mint({ sub: userId, aud: PROJECT, ...role('device') });
    return connectWith(token, { name: id, inboxPrefix: inboxOf(id) });
  }

  async function connectStation(): Promise<NatsConnection> {
    const token = await issuer.mint({ sub: 'owner', aud: ['client', PROJECT] });
    return connectWith(token, { name: 'station', inboxPrefix: lab.stationInboxPrefix });
  }

  const entryOf = async (station: NatsConnection, id: string): Promise<KvEntry | null> =>
    (await new Kvm(station).open(lab.bucket, { allow_direct: true })).get(id);

  async function refusalFor(token: string | undefined, name: string): Promise<string> {
    const before = lab.refusals().length;
    const attempt = connect({
      servers: [...lab.urls],
      ...(token ? { token } : {}),
      name,
      reconnect: false,
      timeout: HANGS_AFTER_MS,
    });
    await expect(attempt).rejects.toBeInstanceOf(AuthorizationError);
    const [refusal, ...more] = lab.refusals().slice(before);
    expect(more).toEqual([]);
    expect(refusal?.name ?? '').toBe(name);
    return refusal?.reason ?? '';
  }

  it('keeps its configuration file, which holds passwords, to its owner', () => {
    expect(statSync(join(dir, 'nats-server.conf')).mode & 0o777).toBe(0o600);
  });

  it('lets a device write its own entry, which a station reads and watches', async () => {
    const device = await connectDevice('user-a', 'press-07');
    const station = await connectStation();
    const bucket = await new Kvm(device).open(lab.bucket);
    await bucket.put('press-07', 'first');
    expect((await entryOf(station, 'press-07'))?.string()).toBe('first');

    const watch = await (await new Kvm(station).open(lab.bucket)).watch({ key: 'press-07' });
    const seen: string[] = [];
    for await (const entry of watch) {
      seen.push(entry.string());
      if (seen.length === 1) await bucket.put('press-07', 'second');
      else break;
    }
    expect(seen).toEqual(['first', 'second']);
  });

  it('lets a device with dots in its id write, and keeps its inbox apart from the shorter id', async () => {
    const device = await connectDevice('user-c', 'press-07.north');
    await (await new Kvm(device).open(lab.bucket)).put('press-07.north', 'north');
    expect((await entryOf(await connectStation(), 'press-07.north'))?.string()).toBe('north');

    const other = await connectDevice('user-a', 'press-07');
    for (const subject of [
      `${inboxOf('press-07.north')}.>`,
      '_INBOX.>',
      '>',
      '$KV.>',
      `$KV.${lab.bucket}.press-07`,
    ]) {
      const refused = new Promise((resolve) => {
        other.subscribe(subject, { callback: (error) => resolve(error) });
      });
      expect(String(await refused)).toMatch(/permissions violation/i);
    }
  });

  it('lets a device do nothing else', async () => {
    const device = await connectDevice('user-a', 'press-07');
    const kvm = new Kvm(device);
    const bucket = await kvm.open(lab.bucket);
    await expect(bucket.put('press-08', 'x')).rejects.toThrow(/permissions violation/i);
    await expect(bucket.put('press-07.north', 'x')).rejects.toThrow(/permissions violation/i);
    await expect(bucket.get('press-07')).rejects.toThrow(/permissions violation/i);
    await expect(bucket.watch()).rejects.toThrow(/permissions violation/i);
    await expect(kvm.create('another')).rejects.toThrow(/permissions violation/i);
    await expect(device.request('$JS.API.STREAM.PURGE.KV_fleet-device-info', '')).rejects.toThrow(
      /permissions violation/i,
    );
    await expect(device.request('$SYS.REQ.USER.AUTH', 'x')).rejects.toThrow(/permissions violation/i);
    expect((await entryOf(await connectStation(), 'press-08'))?.value).toBeUndefined();
  });

  it('does not let a device wipe the others by a roll-up of the whole bucket', async () => {
    const victim = await connectDevice('user-b', 'press-08');
    await (await new Kvm(victim).open(lab.bucket)).put('press-08', 'here');
    const device = await connectDevice('user-a', 'press-07');
    const rollUp = headers();
    rollUp.set('Nats-Rollup', 'all');
    const answer = await device.request(`$KV.${lab.bucket}.press-07`, 'x', {
      timeout: HANGS_AFTER_MS,
      headers: rollUp,
    });
    expect(answer.json<{ error?: unknown }>().error).toBeDefined();
    expect((await entryOf(await connectStation(), 'press-08'))?.string()).toBe('here');
  });

  it('lets a station read and mark entries, and change nothing about the bucket', async () => {
    const station = await connectStation();
    const kvm = new Kvm(station);
    const bucket = await kvm.open(lab.bucket);
    const before = (await bucket.status()).values;
    expect(before).toBeGreaterThan(0);
    await expect(bucket.destroy()).rejects.toThrow(/permissions violation/i);
    await expect(kvm.create('another')).rejects.toThrow(/permissions violation/i);
    await expect(bucket.purge('press-07')).rejects.toThrow();
    expect((await bucket.status()).values).toBe(before);
    await bucket.delete('gone-09');
    expect((await bucket.get('gone-09'))?.operation).toBe('DEL');
    const keys: string[] = [];
    for await (const key of await bucket.keys()) keys.push(key);
    expect(keys).toContain('press-07');
  });

  it('admits a station by a role on the project', async () => {
    const token = await issuer.mint({ sub: 'watcher', aud: [PROJECT], ...role('fleet-watcher') });
    const station = await connectWith(token, { inboxPrefix: `${lab.stationInboxPrefix}.one` });
    expect(await entryOf(station, 'nobody')).toBeNull();
  });

  it('admits a token too long for the default control line', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`role-number-${index}`, { '1': 'lab' }]),
    );
    const claims = {
      sub: 'user-a',
      aud: PROJECT,
      [rolesClaim(PROJECT)]: { ...many, device: { '1': 'lab' } },
    };
    const token = await issuer.mint(claims);
    expect(token.length).toBeGreaterThan(4096);
    await connectWith(token, { name: 'press-07', inboxPrefix: inboxOf('press-07') });
  });

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    [
      'a token for another project',
      { sub: 'user-a', aud: '99', ...role('device') },
      'press-07',
      /not meant for project/,
    ],
    [
      'an expired token',
      { sub: 'user-a', aud: PROJECT, exp: 1_700_000_000, ...role('device') },
      'press-07',
      /expired/,
    ],
    [
      'a token of another issuer',
      { iss: 'http://elsewhere', sub: 'user-a', aud: PROJECT },
      'press-07',
      /claim iss/,
    ],
    [
      "another device's id",
      { sub: 'user-a', aud: PROJECT, ...role('device') },
      'press-08',
      /is device press-07/,
    ],
    ['a device with no name', { sub: 'user-a', aud: PROJECT, ...role('device') }, '', /is device press-07/],
    [
      'a user without device',
      { sub: 'user-x', aud: PROJECT, ...role('device') },
      'press-07',
      /belongs to no device/,
    ],
    ['a wildcard for an id', { sub: 'user-wild', aud: PROJECT, ...role('device') }, '*', /not valid/],
    ['no role', { sub: 'user-a', aud: PROJECT }, 'press-07', /neither a device nor an operator/],
    [
      'a role on another project',
      { sub: 'user-a', aud: [PROJECT, '99'], ...role('device', '99') },
      'press-07',
      /neither/,
    ],
    ['a person who is no operator', { sub: 'trainee', aud: ['client', PROJECT] }, 'station', /neither/],
  ])('refuses %s', async (_what, claims, name, reason) => {
    expect(await refusalFor(await issuer.mint(claims), name)).toMatch(reason);
  });

  it('refuses a foreign signature, an unsigned token, a text that is no token, and none', async () => {
    const claims = { iss: issuer.url, sub: 'user-a', aud: PROJECT, ...role('device') };
    const { privateKey } = newRsaPair();
    expect(await refusalFor(await signToken(privateKey, claims), 'press-07')).toMatch(
      /not signed by the issuer/,
    );
    expect(await refusalFor(await signToken(privateKey, claims, 'other'), 'press-07')).toMatch(/not signed/);
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${part({ alg: 'none' })}.${part({ ...claims, exp: 4_000_000_000 })}.`;
    expect(await refusalFor(unsigned, 'press-07')).toMatch(/not a usable JWT/);
    expect(await refusalFor('a-personal-access-token', 'press-07')).toMatch(/not a usable JWT/);
    expect(await refusalFor(undefined, 'press-07')).toMatch(/no token was shown/);
  });

  it('ends a connection when its token ends', async () => {
    // Long enough to connect with it on a busy computer.
    const exp = Math.floor(Date.now() / 1000) + 6;
    const token = await issuer.mint({ sub: 'user-a', aud: PROJECT, exp, ...role('device') });
    const device = await connectWith(token, { name: 'press-07', inboxPrefix: inboxOf('press-07') });
    expect(String(await device.closed())).toMatch(/authentication expired/i);
  });

  it('removes the entry of a device that left', async () => {
    const device = await connectDevice('user-b', 'press-08');
    await (await new Kvm(device).open(lab.bucket)).put('press-08', 'here');
    await lab.forgetDevice('press-08');
    expect((await entryOf(await connectStation(), 'press-08'))?.operation).toBe('DEL');
  });

  it("does not let an acknowledgement land in another device's entry", async () => {
    const station = await connectStation();
    const victim = await await new Kvm(await connectDevice('user-b', 'press-08')).open(lab.bucket);
    const device = await connectDevice('user-a', 'press-07');
    const own = await new Kvm(device).open(lab.bucket);
    const before = await victim.put('press-08', 'here');
    device.publish(`$KV.${lab.bucket}.press-07`, 'stray', { reply: `$KV.${lab.bucket}.press-08` });
    await expect
      .poll(async () => (await entryOf(station, 'press-07'))?.string(), { timeout: HANGS_AFTER_MS })
      .toBe('stray');
    // Revisions count every message of the bucket: one more than these two would be the acknowledgement.
    expect(await own.put('press-07', 'after')).toBe(before + 2);
    expect((await entryOf(station, 'press-08'))?.string()).toBe('here');
  });
});

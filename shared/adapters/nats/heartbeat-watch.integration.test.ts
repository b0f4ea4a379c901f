import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LabNats, startLabNats } from '../../../e2e/lab/nats/start-lab-nats.ts';
import { findNatsServer } from '../../../e2e/lab/nats/testing/find-nats-server.ts';
import { startTestIssuer, type TestIssuer } from '../../../e2e/lab/nats/testing/test-issuer.ts';
import type { HeartbeatLink } from '../../engine/ports.ts';
import { Secret } from '../../model/secret.ts';
import type { Heartbeat } from '../../model/station-state.ts';
import { patience, unlessItHangs } from '../../testing/patience.ts';
import { silentLogger } from '../log/logger.ts';
import { systemClock } from '../system/clock.ts';
import { systemRandom } from '../system/random.ts';
import { createNatsHeartbeatWatch } from './heartbeat-watch.ts';

const executable = findNatsServer();
if (executable === undefined) console.warn('SKIPPED: heartbeat watch: no nats-server on this computer.');

const PROJECT = '371639797157987125';
const devices: Readonly<Record<string, string>> = { 'user-a': 'press-07', 'user-b': 'press-08' };

describe.skipIf(executable === undefined)('heartbeat watch', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-watch-'));
  const stop = new AbortController();
  const open: NatsConnection[] = [];
  const running: { abort: AbortController; done: Promise<unknown> }[] = [];
  let issuer: TestIssuer;
  let lab: LabNats;

  const startLab = (port: number) =>
    startLabNats({
      executable: executable ?? '',
      ...{ host: '127.0.0.1', port, dir, issuer: issuer.url, projectId: PROJECT },
      lookupDeviceId: async (userId) => devices[userId],
      isOperator: async (userId) => userId === 'owner',
      signal: stop.signal,
    });

  beforeAll(async () => {
    issuer = await startTestIssuer();
    lab = await startLab(0);
  });
  afterEach(async () => {
    for (const one of running.splice(0)) {
      one.abort.abort(new Error('test over'));
      await one.done;
    }
    await Promise.all(open.splice(0).map((connection) => connection.close()));
  });
  afterAll(async () => {
    await lab?.stop();
    await issuer?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Publishes as the device's agent does. */
  async function report(userId: string, content: unknown): Promise<void> {
    const id = devices[userId] ?? '';
    const roles = { [`urn:zitadel:iam:org:project:${PROJECT}:roles`]: { device: { '1': 'muster.lab' } } };
    const token = await issuer.mint({ sub: userId, aud: PROJECT, ...roles });
    const connection = await connect({
      servers: [...lab.urls],
      token,
      name: id,
      inboxPrefix: `_INBOX_device_${id}`,
    });
    open.push(connection);
    const bucket = await new Kvm(connection).open(lab.bucket, { bindOnly: true });
    await bucket.put(id, typeof content === 'string' ? content : JSON.stringify(content));
  }

  function follow(token: () => Promise<string>, urls: readonly string[] = lab.urls) {
    const heard: Heartbeat[] = [];
    const news: boolean[] = [];
    const links: HeartbeatLink[] = [];
    const removed: string[] = [];
    const abort = new AbortController();
    const watch = createNatsHeartbeatWatch({
      nats: { urls: [...urls], bucket: lab.bucket, heartbeat_limit_seconds: 90 },
      tokens: { accessToken: async () => new Secret(await token()) },
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    });
    const handlers = {
      onHeartbeat: (one: Heartbeat, isNew: boolean) => {
        heard.push(one);
        news.push(isNew);
      },
      onRemoved: (deviceId: string) => removed.push(deviceId),
      onLink: (link: HeartbeatLink) => links.push(link),
    };
    const done = watch.follow(handlers, abort.signal).catch((thrown: unknown) => thrown);
    running.push({ abort, done });
    return { watch, heard, news, links, removed, abort, done };
  }
  const owner = () => issuer.mint({ sub: 'owner', aud: ['client', PROJECT] });

  it('gives current values, then live ones, and passes over what it cannot read', async () => {
    const before = Date.now();
    await report('user-a', { deviceId: 'press-07', keyId: 'k1' });
    const { heard, news, links } = follow(owner);
    await expect.poll(() => heard.map((one) => one.keyId), patience).toEqual(['k1']);
    expect(links).toEqual([{ state: 'connecting' }, { state: 'live' }]);
    await report('user-a', 'not JSON');
    await report('user-b', { deviceId: 'press-08', keyId: 'k2' });
    await report('user-a', { deviceId: 'press-07', keyId: 'k3' });
    await expect.poll(() => heard.map((one) => one.keyId), patience).toEqual(['k1', 'k2', 'k3']);
    expect(news).toEqual([false, true, true]);
    const revisions = heard.map((one) => one.revision);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    for (const one of heard) {
      expect(one.receivedAt).toBeGreaterThan(before - 5000);
      expect(one.receivedAt).toBeLessThan(Date.now() + 5000);
    }
  });

  it('is refused with a sign-in that may not read, and goes on once it may', async () => {
    let subject = 'nobody';
    const { links, heard } = follow(() => issuer.mint({ sub: subject, aud: ['client', PROJECT] }));
    await expect.poll(() => links.at(-1), patience).toMatchObject({ state: 'lost', code: 'NATS_REFUSED' });
    subject = 'owner';
    await expect.poll(() => links.at(-1), patience).toEqual({ state: 'live' });
    await expect.poll(() => heard.length, patience).toBeGreaterThan(0);
  });

  it('takes an entry out of the bucket once, which every watch sees, and no device can', async () => {
    const signal = unlessItHangs();
    await report('user-b', { deviceId: 'press-08', keyId: 'k9' });
    const { watch, removed, heard } = follow(owner);
    const other = follow(owner);
    await expect
      .poll(() => [heard, other.heard].map((one) => one.length > 0), patience)
      .toEqual([true, true]);
    expect(await watch.removeEntry('press-08', signal)).toBe(true);
    expect(await watch.removeEntry('press-08', signal)).toBe(false);
    expect(await watch.removeEntry('never-heard-of', signal)).toBe(false);
    await expect.poll(() => [removed, other.removed], patience).toEqual([['press-08'], ['press-08']]);
    const late = follow(owner);
    await expect.poll(() => late.links.at(-1), patience).toEqual({ state: 'live' });
    expect(late.removed).toEqual([]);
    expect(late.heard.map((one) => one.deviceId)).not.toContain('press-08');
  });

  it('says when nobody answers, and ends with the reason when aborted', async () => {
    const { links, abort, done } = follow(owner, ['nats://127.0.0.1:1']);
    await expect
      .poll(() => links.at(-1), patience)
      .toMatchObject({ state: 'lost', code: 'NATS_UNREACHABLE' });
    const reason = new Error('closing');
    abort.abort(reason);
    expect(await done).toBe(reason);
  });

  it('comes back by itself after the server was restarted', async () => {
    const { links, heard } = follow(owner);
    await expect.poll(() => links.at(-1), patience).toEqual({ state: 'live' });
    const port = Number(new URL(lab.url).port);
    await lab.stop();
    await expect.poll(() => links.at(-1), patience).toMatchObject({ state: 'lost' });
    lab = await startLab(port);
    await expect.poll(() => links.at(-1), patience).toEqual({ state: 'live' });
    await report('user-b', { deviceId: 'press-08', keyId: 'after-restart' });
    await expect.poll(() => heard.at(-1)?.keyId, patience).toBe('after-restart');
  });
});

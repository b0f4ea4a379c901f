import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kvm } from '@nats-io/kv';
import { AuthorizationError, connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '#shared/model/secret.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { fetchAccessToken } from '../../../resources/reference-agent/access-token.ts';
import { parseMachineKey } from '../../../resources/reference-agent/machine-key.ts';
import { connectReporter, putDeviceInfo } from '../../../resources/reference-agent/reporter.ts';
import type { LabIdentityProvider } from '../identity/index.ts';
import { apiOf, readKeyDetails, signIn, startTestLab } from '../identity/lab-testkit.ts';
import { type LabNats, startLabNats } from './start-lab-nats.ts';
import { findNatsServer } from './testing/find-nats-server.ts';
import { createZitadelDirectory } from './zitadel-directory.ts';

const executable = findNatsServer();
if (executable === undefined) {
  console.warn(
    'SKIPPED: lab NATS with the lab provider. No nats-server in MUSTER_NATS_SERVER, on PATH or in the cache.',
  );
}

describe.skipIf(executable === undefined)('lab NATS with the lab identity provider', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-lab-directory-'));
  const open: NatsConnection[] = [];
  let provider: LabIdentityProvider;
  let lab: LabNats;

  beforeAll(async () => {
    provider = await startTestLab();
    const { issuer, orgId, projectId } = provider;
    lab = await startLabNats({
      executable: executable ?? '',
      host: '127.0.0.1',
      port: 0,
      dir,
      issuer,
      projectId,
      ...createZitadelDirectory({ issuer, orgId, serviceToken: new Secret(provider.adminToken) }),
      signal: new AbortController().signal,
    });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((connection) => connection.close()));
  });
  afterAll(async () => {
    await lab?.stop();
    await provider?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** A machine user with the device role and a key; gives a function that connects it under a name. */
  async function enrol(userName: string): Promise<(name: string) => Promise<NatsConnection>> {
    const api = apiOf(provider, provider.adminToken);
    const user = await api('POST', '/management/v1/users/machine', {
      userName,
      name: userName,
      accessTokenType: 'ACCESS_TOKEN_TYPE_JWT',
    });
    const base = `/management/v1/users/${user.body.userId}`;
    await api('POST', `${base}/grants`, { projectId: provider.projectId, roleKeys: ['device'] });
    const minted = await api('POST', `${base}/keys`, { type: 'KEY_TYPE_JSON' });
    const key = parseMachineKey(JSON.stringify(readKeyDetails(minted.body.keyDetails)));
    return async (name) => {
      const token = await fetchAccessToken({
        issuerUrl: provider.issuer,
        audience: provider.projectId,
        acceptInvalidCertificates: false,
        key,
        now: Date.now,
        signal: unlessItHangs(),
      });
      const connection = await connectReporter({ urls: lab.urls, deviceId: name, token });
      open.push(connection);
      return connection;
    };
  }

  async function connectPerson(loginName: string): Promise<NatsConnection> {
    const { access_token: token } = await signIn(provider, loginName);
    const connection = await connect({
      servers: [...lab.urls],
      token,
      inboxPrefix: lab.stationInboxPrefix,
      reconnect: false,
    });
    open.push(connection);
    return connection;
  }

  it('admits a device as itself, and an operator and a viewer to watch it', async () => {
    const connectDevice = await enrol('device-press-07.north');
    await putDeviceInfo(await connectDevice('press-07.north'), 'press-07.north', '{}');
    for (const person of [provider.operator, provider.otherOperators.auditor]) {
      const bucket = await new Kvm(await connectPerson(person.loginName)).open(lab.bucket);
      expect((await bucket.get('press-07.north'))?.string()).toBe('{}');
    }
    await expect(connectDevice('press-08')).rejects.toThrow(/refused this device/);
    expect(lab.refusals().at(-1)?.reason).toMatch(/is device press-07\.north but connected as "press-08"/);
  });

  it('refuses a person without a manager role, and a machine user that is no device', async () => {
    const trainee = connectPerson(provider.otherOperators.trainee.loginName);
    await expect(trainee).rejects.toBeInstanceOf(AuthorizationError);
    expect(lab.refusals().at(-1)?.reason).toMatch(/neither a device nor an operator/);
    const connectRobot = await enrol('press-09');
    await expect(connectRobot('press-09')).rejects.toThrow(/refused this device/);
    expect(lab.refusals().at(-1)?.reason).toMatch(/belongs to no device/);
  });
});

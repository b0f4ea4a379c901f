import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { stringify } from 'smol-toml';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseDeviceId } from '#shared/model/device-id.ts';
import { HANGS_AFTER_MS } from '#shared/testing/patience.ts';
import type { DeviceInfo } from '../../../resources/reference-agent/device-info.ts';
import { wrapInElf } from '../../../resources/reference-agent/elf-envelope.ts';
import * as reporter from '../../../resources/reference-agent/reporter.ts';
import { bundleAgent } from '../../../scripts/build-agent.ts';
import * as permissions from './permissions.ts';
import { type LabNats, startLabNats } from './start-lab-nats.ts';
import { findNatsServer } from './testing/find-nats-server.ts';
import { type Relay, startRelay } from './testing/relay.ts';
import { startTestIssuer, type TestIssuer } from './testing/test-issuer.ts';

const executable = findNatsServer();
const runsElf = process.platform === 'linux' && process.arch === 'x64';
if (executable === undefined) {
  console.warn(
    'SKIPPED: reference agent tests. No nats-server in MUSTER_NATS_SERVER, on PATH or in the cache.',
  );
}

const PROJECT = '371639797157987125';
const ROLES = `urn:zitadel:iam:org:project:${PROJECT}:roles`;
const DEVICE = 'press-07.north';

it('agrees with the lab on the bucket and the inbox of a device', () => {
  expect(reporter.DEVICE_INFO_BUCKET).toBe(permissions.DEVICE_INFO_BUCKET);
  for (const id of ['press-07', 'press-07.north', 'a.b.c']) {
    const parsed = parseDeviceId(id);
    expect(parsed.ok && permissions.deviceInboxPrefix(parsed.id)).toBe(reporter.deviceInboxPrefix(id));
  }
});

describe.skipIf(executable === undefined)('reference agent', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-agent-'));
  const device = join(dir, 'device');
  const elf = join(device, 'usr', 'local', 'bin', 'fleet-agent');
  const script = join(dir, 'fleet-agent.cjs');
  const owners = new Map([['machine-1', DEVICE]]);
  let issuer: TestIssuer;
  let lab: LabNats;
  /** What the agent knows as NATS: its port stays the same while the server is away. */
  let relay: Relay;
  let station: NatsConnection;
  let agent: ChildProcess | undefined;
  let output = '';

  const startLab = async (): Promise<void> => {
    lab = await startLabNats({
      executable: executable ?? '',
      host: '127.0.0.1',
      port: 0,
      dir: join(dir, 'nats'),
      issuer: issuer.url,
      projectId: PROJECT,
      lookupDeviceId: async (userId) => owners.get(userId),
      isOperator: async (userId) => userId === 'owner',
      signal: new AbortController().signal,
    });
    relay.leadTo(lab.url);
  };

  const connectStation = async (): Promise<NatsConnection> => {
    const token = await issuer.mint({ sub: 'owner', aud: [PROJECT] });
    return connect({ servers: [...lab.urls], token, inboxPrefix: lab.stationInboxPrefix });
  };

  function installFiles(changes: Readonly<Record<string, unknown>> = {}): string {
    const credentials = {
      type: 'zitadel-jwt',
      key_path: '/etc/fleet-agent/zitadel-key.json',
      oidc_issuer_url: issuer.url,
      audience: PROJECT,
      danger_accept_invalid_certs: false,
      ...changes,
    };
    const config = {
      agent: { device_id: DEVICE },
      nats: { urls: [relay.url] },
      labels: { group: 'batch7' },
      credentials,
    };
    const key = issuer.addMachine('machine-1', { aud: [PROJECT], [ROLES]: { device: { '1': 'lab' } } });
    mkdirSync(join(device, 'etc', 'fleet-agent'), { recursive: true });
    writeFileSync(join(device, 'etc', 'fleet-agent', 'config.toml'), stringify(config));
    writeFileSync(join(device, 'etc', 'fleet-agent', 'zitadel-key.json'), key, { mode: 0o600 });
    return key;
  }

  /** As an executable file where this machine can run it, else as the script inside it. */
  function startAgent(): void {
    output = '';
    const args = ['--config', '/etc/fleet-agent/config.toml'];
    const env = {
      PATH: `${process.env.PATH}`,
      MUSTER_DEVICE_ROOT: device,
      FLEET_AGENT_INTERVAL_SECONDS: '0.2',
    };
    agent = runsElf ? spawn(elf, args, { env }) : spawn(process.execPath, [script, ...args], { env });
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    agent.stdout?.on('data', collect);
    agent.stderr?.on('data', collect);
  }

  const reported = async (): Promise<DeviceInfo | undefined> => {
    const entry = await (await new Kvm(station).open(lab.bucket, { allow_direct: true })).get(DEVICE);
    return entry?.operation === 'PUT' ? entry.json<DeviceInfo>() : undefined;
  };

  beforeAll(async () => {
    const payload = await bundleAgent();
    mkdirSync(join(elf, '..'), { recursive: true });
    writeFileSync(elf, wrapInElf('x86_64', new TextEncoder().encode(payload)));
    chmodSync(elf, 0o755);
    writeFileSync(script, payload);
    issuer = await startTestIssuer();
    relay = await startRelay();
    await startLab();
  });

  beforeEach(async () => {
    station = await connectStation();
    await lab.forgetDevice(DEVICE);
  });

  afterEach(async () => {
    if (agent && agent.exitCode === null && agent.signalCode === null) {
      agent.kill('SIGKILL');
      await once(agent, 'exit');
    }
    await station.close();
  });

  afterAll(async () => {
    await lab?.stop();
    await relay?.stop();
    await issuer?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('signs in with its key, reports at once and again, and stops at SIGTERM', async () => {
    const key = installFiles();
    startAgent();
    await expect.poll(reported, { timeout: HANGS_AFTER_MS }).toMatchObject({
      deviceId: DEVICE,
      keyId: 'key-of-machine-1',
      labels: { group: 'batch7' },
    });
    const first = await reported();
    await expect
      .poll(async () => (await reported())?.sequence, { timeout: HANGS_AFTER_MS })
      .toBeGreaterThan(first?.sequence ?? 0);
    expect(await reported()).toMatchObject({ startedAt: first?.startedAt, bootId: first?.bootId });

    const assertion = issuer.lastAssertion();
    expect(assertion).toMatchObject({ iss: 'machine-1', sub: 'machine-1', aud: issuer.url });
    expect((assertion?.exp ?? 0) - (assertion?.iat ?? 0)).toBe(310);

    agent?.kill('SIGTERM');
    const [code] = await once(agent as ChildProcess, 'exit');
    expect(code).toBe(0);
    expect(output).toContain('stopping on SIGTERM');
    expect(output).not.toContain(JSON.parse(key).key.slice(40, 80));
    expect(output).not.toMatch(/eyJ|PRIVATE KEY/);
  });

  it('comes back with a fresh token after NATS was away', async () => {
    installFiles();
    startAgent();
    await expect.poll(reported, { timeout: HANGS_AFTER_MS }).toBeDefined();
    const before = issuer.lastAssertion()?.iat;
    await station.close();
    await lab.stop();
    await expect.poll(() => output, { timeout: HANGS_AFTER_MS }).toMatch(/nats: .*Next attempt in/);
    await startLab();
    station = await connectStation();
    await expect.poll(() => output.match(/reporting/g)?.length, { timeout: HANGS_AFTER_MS }).toBe(2);
    expect(issuer.lastAssertion()?.iat).toBeGreaterThanOrEqual(before ?? Number.POSITIVE_INFINITY);
  });

  it('says in one line why it cannot report, and keeps trying', async () => {
    const key = installFiles();
    issuer.addMachine('machine-1', {}); // Another key is registered now: the installed one is unknown.
    startAgent();
    await expect
      .poll(() => output, { timeout: HANGS_AFTER_MS })
      .toMatch(/token: The issuer gave no token: status 500.*still registered.*Next attempt/);
    writeFileSync(join(device, 'etc', 'fleet-agent', 'zitadel-key.json'), '{');
    await expect
      .poll(() => output, { timeout: HANGS_AFTER_MS })
      .toMatch(/key: The key file is not valid JSON/);
    owners.set('machine-1', 'somebody-else');
    installFiles();
    await expect.poll(() => output, { timeout: HANGS_AFTER_MS }).toMatch(/refused: NATS refused this device/);
    owners.set('machine-1', DEVICE);
    await expect.poll(() => output, { timeout: HANGS_AFTER_MS }).toMatch(/reporting press-07\.north/);
    expect(output).not.toContain(JSON.parse(key).key.slice(40, 80));
    expect(output).not.toMatch(/eyJ|PRIVATE KEY|^\s+at /m);
  });

  it('tells an issuer that calls itself otherwise from one that is not there', async () => {
    installFiles({ oidc_issuer_url: `${issuer.url}/` });
    startAgent();
    await expect
      .poll(() => output, { timeout: HANGS_AFTER_MS })
      .toMatch(/issuer: The configured issuer is .*\/, but it calls itself/);
    installFiles({ oidc_issuer_url: 'http://127.0.0.1:1' });
    await expect
      .poll(() => output, { timeout: HANGS_AFTER_MS })
      .toMatch(/issuer: .*cannot be reached \(ECONNREFUSED\)/);
  });
});

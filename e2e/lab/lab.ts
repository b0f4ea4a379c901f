import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'smol-toml';
import { architectures } from '#shared/model/facts.ts';
import { Secret } from '#shared/model/secret.ts';
import { makeKeyTexts } from './devices/host-key.ts';
import type { RehearsalDevice, RehearsalDeviceRequest, SandboxMode } from './devices/model.ts';
import { startRehearsalDevices } from './devices/start-rehearsal-devices.ts';
import type { Faults } from './identity/faults.ts';
import { type LabIdentityProvider, startLabIdentityProvider } from './identity/identity-provider.ts';
import type { LabIdentityOptions } from './identity/options.ts';
import { type LabNats, startLabNats } from './nats/start-lab-nats.ts';
import { createZitadelDirectory } from './nats/zitadel-directory.ts';

export interface LabOptions {
  /** Folder of this lab alone; made if missing. */
  readonly dir: string;
  /** Folder of the checkout: agent binaries and stand-ins are found from here. */
  readonly projectRoot: string;
  readonly devices: readonly RehearsalDeviceRequest[];
  /** Path of a `nats-server`, version 2.10 or newer. */
  readonly natsServer: string;
  /** Address the lab listens on. Loopback, unless a test puts the lab into a network of its own. */
  readonly host?: string;
  readonly deviceCodeLifetimeSeconds?: number;
  readonly accessTokenLifetimeSeconds?: number;
  /** What goes wrong at the provider, for tests. */
  readonly identityFaults?: Faults;
  /** What is different about the provider: which API it has, its quirks, latency and lag. */
  readonly identity?: Omit<Partial<LabIdentityOptions>, 'host' | 'port' | 'dataDir' | 'signal' | 'faults'>;
  readonly concurrency?: number;
  readonly heartbeatLimitSeconds?: number;
  readonly aptSeconds?: number;
  /** Password of the devices' user, which sudo asks for where a device has the fault `sudo-password`. */
  readonly devicePassword?: Secret;
  /** How the devices' roots are made; the best this computer allows unless said otherwise. */
  readonly deviceMode?: SandboxMode;
  readonly signal: AbortSignal;
  readonly onProgress?: (text: string) => void;
}

/** A fleet on one computer: provider, messaging and devices, and the profile a station opens it with. */
export interface Lab {
  readonly profilePath: string;
  readonly identity: LabIdentityProvider;
  readonly nats: LabNats;
  readonly devices: readonly RehearsalDevice[];
  readonly sshPrivateKeyFile: string;
  /** Ends everything that was started. May be called more than once. */
  stop(): Promise<void>;
}

/** Names of rehearsal devices: `bench-01`, `bench-02` and so on. */
export function numberedDevices(count: number): RehearsalDeviceRequest[] {
  const digits = Math.max(2, String(count).length);
  return Array.from({ length: count }, (_, index) => ({
    name: `bench-${String(index + 1).padStart(digits, '0')}`,
  }));
}

/**
 * Starts the whole lab. The station that uses it gets a profile like any other and knows no lab.
 * @throws when a part does not start; the parts that did are ended again.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const { dir, projectRoot, signal } = options;
  const host = options.host ?? '127.0.0.1';
  const tell = options.onProgress ?? (() => undefined);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // The folder above is closed to others; inside it the devices' files need the modes of a usual system.
  process.umask(0o022);
  const running: { stop(): Promise<unknown> }[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      for (const part of running.reverse()) await part.stop();
    })();
    return stopping;
  };
  try {
    const sshKey = await writeSshKey(dir);
    tell('starting the identity provider');
    const identity = await startLabIdentityProvider({
      ...{ host, port: 0, dataDir: path.join(dir, 'identity'), signal, pollIntervalSeconds: 1 },
      ...options.identity,
      ...(options.identityFaults === undefined ? {} : { faults: options.identityFaults }),
      ...(options.deviceCodeLifetimeSeconds === undefined
        ? {}
        : { deviceCodeLifetimeSeconds: options.deviceCodeLifetimeSeconds }),
      ...(options.accessTokenLifetimeSeconds === undefined
        ? {}
        : { accessTokenLifetimeSeconds: options.accessTokenLifetimeSeconds }),
    });
    running.push(identity);
    tell('starting nats-server');
    const nats = await startLabNats({
      ...{ executable: options.natsServer, host, port: 0, dir: path.join(dir, 'nats'), signal },
      ...{ issuer: identity.issuer, projectId: identity.projectId },
      ...createZitadelDirectory({
        issuer: identity.issuer,
        orgId: identity.orgId,
        serviceToken: new Secret(identity.adminToken),
      }),
    });
    running.push(nats);
    tell(`starting ${options.devices.length} rehearsal devices`);
    const devices = await startRehearsalDevices({
      ...{
        devices: options.devices,
        host,
        dir: path.join(dir, 'devices'),
        authorizedKey: sshKey.publicKey,
        signal,
      },
      // The station beside this folder remembers host keys by address.
      addressBook: path.join(dir, 'device-addresses.json'),
      ...{ standInsDir: path.join(projectRoot, 'e2e/lab/devices/stand-ins') },
      ...(options.aptSeconds === undefined ? {} : { aptSeconds: options.aptSeconds }),
      ...(options.deviceMode === undefined ? {} : { mode: options.deviceMode }),
      ...(options.devicePassword === undefined ? {} : { password: options.devicePassword }),
    });
    running.push({ stop: () => Promise.all(devices.map((device) => device.stop())) });
    const profilePath = path.join(dir, 'profile.toml');
    await writeFile(profilePath, profileText(options, { identity, nats, devices, keyFile: sshKey.file }), {
      mode: 0o600,
    });
    return { profilePath, identity, nats, devices, sshPrivateKeyFile: sshKey.file, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writeSshKey(dir: string): Promise<{ readonly file: string; readonly publicKey: string }> {
  const pair = makeKeyTexts('muster lab');
  const file = path.join(dir, 'ssh-key');
  await writeFile(file, pair.privateKey, { mode: 0o600 });
  return { file, publicKey: pair.publicKey };
}

interface ProfileParts {
  readonly identity: LabIdentityProvider;
  readonly nats: LabNats;
  readonly devices: readonly RehearsalDevice[];
  readonly keyFile: string;
}

/** The lab's profile, in the same format as any plant's. */
function profileText(options: LabOptions, { identity, nats, devices, keyFile }: ProfileParts): string {
  const binaries = architectures
    .map((architecture) => [
      architecture,
      path.join(options.projectRoot, 'out/agent', `fleet-agent-${architecture}`),
    ])
    .filter(([, file]) => file !== undefined && existsSync(file));
  const isLoopback = options.host === undefined || options.host === '127.0.0.1';
  return stringify({
    name: 'lab',
    identity: {
      issuer: identity.issuer,
      client_id: identity.clientId,
      project_id: identity.projectId,
      org_id: identity.orgId,
      // Only a test that puts the lab on a network of its own leaves loopback; plain http is refused otherwise.
      ...(isLoopback ? {} : { danger_accept_invalid_certs: true }),
    },
    nats: {
      urls: [...nats.urls],
      bucket: nats.bucket,
      heartbeat_limit_seconds: options.heartbeatLimitSeconds ?? 60,
    },
    ssh: { user: 'pi', private_key_file: keyFile },
    agent: { binaries: Object.fromEntries(binaries) },
    batch: { concurrency: options.concurrency ?? 8 },
    labels: { group: 'line-1', site: 'lab' },
    bench: devices.map((device) => ({
      device_id: device.name,
      target: `ssh://${device.user}@${device.host}:${device.port}`,
    })),
  });
}

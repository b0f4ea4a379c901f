import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAccount } from '@nats-io/jwt';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  type AccessDecision,
  type AccessDirectory,
  type ConnectionClaim,
  decideAccess,
} from './access-policy.ts';
import { createAccessTokenVerifier } from './access-token-verifier.ts';
import { serveAuthCallout } from './auth-callout.ts';
import { ensureDeviceInfoBucket, removeDeviceInfo } from './device-info-bucket.ts';
import { DEVICE_INFO_BUCKET, STATION_INBOX_PREFIX } from './permissions.ts';
import { accounts, privilegedUsers, serverConfig } from './server-config.ts';
import { endLeftoverServer, type ServerProcess, startServerProcess } from './server-process.ts';

export interface LabNatsOptions extends Partial<AccessDirectory> {
  /** Path of a `nats-server`, version 2.10 or newer. */
  readonly executable: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** A folder of this server alone: configuration, store, log. Made if missing. */
  readonly dir: string;
  /** The OpenID issuer whose access tokens admit devices and stations. */
  readonly issuer: string;
  readonly projectId: string;
  readonly lookupDeviceId: AccessDirectory['lookupDeviceId'];
  readonly stationClientRoles?: readonly string[];
  /** Hears every decision, for the lab's log. */
  readonly onDecision?: (decision: AccessDecision) => void;
  readonly signal: AbortSignal;
}

/** One client that was turned away. */
export interface Refusal {
  readonly at: Date;
  /** The name the client gave, which it may have made up. */
  readonly name: string | undefined;
  readonly reason: string;
}

export interface LabNats {
  readonly url: string;
  readonly urls: readonly string[];
  readonly bucket: typeof DEVICE_INFO_BUCKET;
  readonly stationInboxPrefix: typeof STATION_INBOX_PREFIX;
  readonly pid: number;
  /** Settles when the server has ended, by `stop` or by itself. */
  readonly ended: Promise<void>;
  /** The newest refusals, oldest first, at most 1000. */
  refusals(): readonly Refusal[];
  /** Removes a device's entry, as a decommissioning does. */
  forgetDevice(deviceId: string): Promise<void>;
  /** Closes the callout and ends the server. May be called more than once. */
  stop(): Promise<void>;
}

const MAX_REFUSALS = 1000;

const password = (): string => randomBytes(32).toString('base64url');

/** The configuration file holds passwords, so nobody else may read it, not even for an instant. */
function writePrivate(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}

async function connectAs(server: ServerProcess, user: string, pass: string): Promise<NatsConnection> {
  return connect({ servers: [...server.urls], user, pass, name: user, maxReconnectAttempts: -1 });
}

/**
 * Starts the lab's messaging: a real `nats-server` with JetStream, the auth callout that admits devices
 * and stations by their access tokens, and the bucket the devices report into.
 * @throws when the server does not start; nothing is left running then.
 */
export async function startLabNats(options: LabNatsOptions): Promise<LabNats> {
  const { executable, host, port, dir, signal } = options;
  signal.throwIfAborted();
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const configPath = join(dir, 'nats-server.conf');
  await endLeftoverServer({ dir, configPath });

  const issuer = createAccount();
  const calloutPassword = password();
  const bucketPassword = password();
  const storeDir = join(dir, 'store');
  writePrivate(
    configPath,
    serverConfig({
      host,
      port,
      dir,
      storeDir,
      issuer: issuer.getPublicKey(),
      calloutPassword,
      bucketPassword,
    }),
  );

  const server = await startServerProcess({ executable, configPath, dir, signal });
  const connections: NatsConnection[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= Promise.all(connections.map((connection) => connection.close()))
      .then(() => server.stop())
      .finally(() => signal.removeEventListener('abort', onAbort));
    return stopping;
  };
  const onAbort = (): void => void stop();
  signal.addEventListener('abort', onAbort, { once: true });

  const refusals: Refusal[] = [];
  const addRefusal = (name: string | undefined, reason: string): void => {
    refusals.push({ at: new Date(), name, reason });
    if (refusals.length > MAX_REFUSALS) refusals.shift();
  };
  const onDecision = (decision: AccessDecision, claim: ConnectionClaim): void => {
    if (!decision.granted) addRefusal(claim.name, decision.reason);
    options.onDecision?.(decision);
  };
  const policy = {
    verifier: createAccessTokenVerifier(options.issuer),
    directory: {
      lookupDeviceId: options.lookupDeviceId,
      isOperator: options.isOperator ?? (async () => false),
    },
    projectId: options.projectId,
    stationClientRoles: options.stationClientRoles ?? [],
  };

  try {
    const callout = await connectAs(server, privilegedUsers.callout, calloutPassword);
    connections.push(callout);
    serveAuthCallout({
      connection: callout,
      issuer,
      accounts: { device: accounts.devices, station: accounts.fleet },
      decide: (claim) => decideAccess(claim, policy),
      onDecision,
      onForeignRequest: (reason) => addRefusal(undefined, `foreign request: ${reason}`),
    });
    await callout.flush();
    const bucket = await connectAs(server, privilegedUsers.bucket, bucketPassword);
    connections.push(bucket);
    await ensureDeviceInfoBucket(bucket);

    const [url = ''] = server.urls;
    return {
      url,
      urls: server.urls,
      bucket: DEVICE_INFO_BUCKET,
      stationInboxPrefix: STATION_INBOX_PREFIX,
      pid: server.pid,
      ended: server.ended,
      refusals: () => [...refusals],
      forgetDevice: (deviceId) => removeDeviceInfo(bucket, deviceId),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

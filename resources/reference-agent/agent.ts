import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { fetchAccessToken } from './access-token.ts';
import { AgentError, describeFailure, reasonOf } from './agent-error.ts';
import { backoffMs } from './backoff.ts';
import { type AgentConfig, parseAgentConfig } from './config.ts';
import { collectDeviceInfo } from './device-info.ts';
import { type MachineKey, parseMachineKey } from './machine-key.ts';
import { connectReporter, DEVICE_INFO_BUCKET, putDeviceInfo } from './reporter.ts';

export interface AgentOptions {
  readonly configPath: string;
  /** Put before every path of the device: the root of a rehearsal device's sandbox. Empty on a real one. */
  readonly deviceRoot: string;
  readonly intervalMs: number;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

function readDeviceFile(path: string, root: string, problem: 'config' | 'key'): string {
  const full = root !== '' && !path.startsWith(`${root}/`) ? join(root, path) : path;
  try {
    return readFileSync(full, 'utf8');
  } catch (error) {
    throw new AgentError(problem, `${path} cannot be read (${reasonOf(error)}).`, error);
  }
}

interface Identity {
  readonly config: AgentConfig;
  readonly key: MachineKey;
}

/** Read anew for every connection, so that a rotated key is used without a restart. */
function readIdentity({ configPath, deviceRoot }: AgentOptions): Identity {
  const config = parseAgentConfig(readDeviceFile(configPath, deviceRoot, 'config'));
  return { config, key: parseMachineKey(readDeviceFile(config.keyPath, deviceRoot, 'key')) };
}

async function openConnection({ config, key }: Identity, signal: AbortSignal): Promise<NatsConnection> {
  const token = await fetchAccessToken({ ...config, key, now: Date.now, signal });
  return connectReporter({ urls: config.natsUrls, deviceId: config.deviceId, token });
}

/**
 * Runs the agent until `signal`: connect, report at once and then every interval; whatever fails is logged
 * in one line and tried again, for ever, with growing pauses.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { log, signal, intervalMs } = options;
  const startedAt = new Date().toISOString();
  let sequence = 0;
  let failures = 0;

  const reportUntilClosed = async ({ config, key }: Identity, connection: NatsConnection): Promise<void> => {
    const { deviceId, labels } = config;
    const closed = connection
      .closed()
      .then((error) => error ?? new Error('the server closed the connection'));
    while (!signal.aborted) {
      sequence += 1;
      const info = collectDeviceInfo({ deviceId, keyId: key.keyId, startedAt, labels }, sequence, new Date());
      await putDeviceInfo(connection, deviceId, JSON.stringify(info));
      if (sequence === 1 || failures > 0)
        log(`reporting ${deviceId} to ${DEVICE_INFO_BUCKET} every ${intervalMs / 1000} s`);
      failures = 0;
      const ended = await Promise.race([closed, delay(intervalMs, undefined, { signal })]);
      if (ended) throw new AgentError('nats', `The connection to NATS ended (${reasonOf(ended)}).`, ended);
    }
  };

  while (!signal.aborted) {
    let connection: NatsConnection | undefined;
    const closeNow = (): void => void connection?.close();
    try {
      const identity = readIdentity(options);
      connection = await openConnection(identity, signal);
      signal.addEventListener('abort', closeNow);
      await reportUntilClosed(identity, connection);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const pauseMs = backoffMs(failures, Math.random);
      log(`${describeFailure(error)} Next attempt in ${(pauseMs / 1000).toFixed(1)} s.`);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined); // Only the signal ends it early.
    } finally {
      signal.removeEventListener('abort', closeNow);
      await connection?.close();
    }
  }
}

import {
  AuthorizationError,
  connect,
  type NatsConnection,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  tokenAuthenticator,
} from '@nats-io/transport-node';
import { AgentError, oneLine, reasonOf } from './agent-error.ts';

/** The KV bucket every agent of the fleet reports into. */
export const DEVICE_INFO_BUCKET = 'fleet-device-info';

/** Under this prefix the device hears answers; ids have no `_`, so no device's prefix begins another's. */
export function deviceInboxPrefix(deviceId: string): string {
  return `_INBOX_device_${deviceId.replaceAll('.', '_')}`;
}

export interface ReporterOptions {
  readonly urls: readonly string[];
  readonly deviceId: string;
  readonly token: string;
}

const CONNECT_TIMEOUT_MS = 10_000;
const PUT_TIMEOUT_MS = 10_000;
/** A dead server is noticed after about this long. */
const PING_INTERVAL_MS = 20_000;

/**
 * Connects once with the given token. No reconnecting inside: every attempt takes a token of its own,
 * which the caller fetches.
 * @throws {AgentError} nats or refused.
 */
export async function connectReporter({ urls, deviceId, token }: ReporterOptions): Promise<NatsConnection> {
  try {
    return await connect({
      servers: [...urls],
      authenticator: tokenAuthenticator(token),
      name: deviceId,
      inboxPrefix: deviceInboxPrefix(deviceId),
      reconnect: false,
      timeout: CONNECT_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: 2,
    });
  } catch (error) {
    if (error instanceof AuthorizationError || error instanceof PermissionViolationError) {
      throw new AgentError('refused', `NATS refused this device (${oneLine(error.message)}).`, error);
    }
    throw new AgentError('nats', `NATS cannot be reached at ${urls.join(', ')} (${reasonOf(error)}).`, error);
  }
}

function putFailure(subject: string, error: unknown): AgentError {
  const cause = error instanceof RequestError ? (error.cause ?? error) : error;
  if (cause instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders())) {
    return new AgentError('bucket', `NATS has no bucket ${DEVICE_INFO_BUCKET}.`, error);
  }
  if (cause instanceof PermissionViolationError) {
    return new AgentError('refused', `NATS does not let this device write ${subject}.`, error);
  }
  const reason = cause instanceof TimeoutError ? 'no answer within 10 s' : reasonOf(cause);
  return new AgentError('nats', `The report was not taken (${reason}).`, error);
}

/**
 * Puts one value under the device's key and waits until the bucket has stored it.
 *
 * A KV put is a message on `$KV.<bucket>.<key>` that JetStream answers with `{stream, seq}` or `{error}`
 * (NATS ADR-8); the KV library around it would double the agent's size.
 * @throws {AgentError} nats, refused or bucket.
 */
export async function putDeviceInfo(
  connection: NatsConnection,
  deviceId: string,
  value: string,
): Promise<void> {
  const subject = `$KV.${DEVICE_INFO_BUCKET}.${deviceId}`;
  let answer: { readonly error?: { readonly description?: string } };
  try {
    answer = (await connection.request(subject, value, { timeout: PUT_TIMEOUT_MS })).json();
  } catch (error) {
    throw putFailure(subject, error);
  }
  if (answer.error) {
    throw new AgentError(
      'bucket',
      `NATS did not store the report: ${oneLine(answer.error.description ?? 'no reason')}.`,
    );
  }
}

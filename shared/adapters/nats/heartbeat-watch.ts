import { type KV, Kvm } from '@nats-io/kv';
import { connect, type NatsConnection, tokenAuthenticator } from '@nats-io/transport-node';
import { waitUnlessAborted } from '../../engine/limits.ts';
import type {
  AccessTokenSource,
  Clock,
  HeartbeatLink,
  HeartbeatWatch,
  Logger,
  Random,
} from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Profile } from '../../model/profile.ts';
import type { Secret } from '../../model/secret.ts';
import { readHeartbeat } from './heartbeat-payload.ts';
import { lostLink } from './link-failure.ts';

export interface NatsHeartbeatWatchOptions {
  readonly nats: NonNullable<Profile['nats']>;
  /** Authorities that are trusted for `tls:` addresses instead of the usual ones. */
  readonly caFile?: string | undefined;
  readonly tokens: AccessTokenSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

type Handlers = Parameters<HeartbeatWatch['follow']>[0];

const CONNECT_LIMIT_MS = 10_000;
const PING_INTERVAL_MS = 20_000;
const RECONNECT_WAIT_MS = 1000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const TOKEN_LOOK_MS = 30_000;
/**
 * Replies come to an inbox only this sign-in may hear. A token below the fixed first one, so that a broker can
 * allow stations `_INBOX_station.>` and nothing else.
 */
const INBOX_PREFIX = '_INBOX_station';

/** Follows the fleet's device-info bucket of NATS JetStream. */
export function createNatsHeartbeatWatch(options: NatsHeartbeatWatchOptions): HeartbeatWatch {
  const { caFile, tokens, clock, random, logger } = options;
  const { urls, bucket: bucketName } = options.nats;
  /** The bucket on the connection of now; undefined while there is none. */
  let openBucket: KV | undefined;

  function dial(currentToken: () => Secret): Promise<NatsConnection> {
    const usesTls = urls.some((url) => url.startsWith('tls:'));
    return connect({
      servers: [...urls],
      name: 'muster-station',
      inboxPrefix: `${INBOX_PREFIX}.${random.hex(12)}`,
      // Called at every connect: a token that was renewed meanwhile is used.
      authenticator: tokenAuthenticator(() => currentToken().reveal()),
      timeout: CONNECT_LIMIT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      // A token that has just expired is refused until the renewed one is there.
      ignoreAuthErrorAbort: true,
      ...(usesTls ? { tls: caFile === undefined ? {} : { caFile } } : {}),
    });
  }

  /** Reports the link's changes until the connection is closed for good. */
  async function reportStatus(
    connection: NatsConnection,
    report: (link: HeartbeatLink) => void,
  ): Promise<void> {
    let cause: unknown;
    for await (const status of connection.status()) {
      if (status.type === 'error') {
        cause = status.error;
        report(lostLink(status.error));
      } else if (status.type === 'disconnect') {
        report(lostLink(cause ?? new Error('The connection was closed.')));
      } else if (status.type === 'reconnect') {
        cause = undefined;
        report({ state: 'live' });
      }
    }
  }

  /** Hands on the current values and every later one, until the watch ends. */
  async function watchBucket(
    connection: NatsConnection,
    handlers: Handlers,
    onOpen: () => void,
  ): Promise<void> {
    const bucket = await new Kvm(connection).open(bucketName, { bindOnly: true, allow_direct: true });
    // Asked before the watch begins: the library counts the last of the current values as an update.
    const heldUpTo = (await bucket.status()).streamInfo.state.last_seq;
    const entries = await bucket.watch();
    openBucket = bucket;
    onOpen();
    for await (const entry of entries) {
      if (entry.operation !== 'PUT') {
        if (entry.revision > heldUpTo) handlers.onRemoved?.(entry.key);
        continue;
      }
      const { key, value, created, revision } = entry;
      const result = readHeartbeat({ key, value, createdAt: created.getTime(), revision });
      if (result.ok) handlers.onHeartbeat(result.heartbeat, revision > heldUpTo);
      else logger.log('warn', 'heartbeat-unreadable', { key, revision, why: result.why });
    }
  }

  /** One connection from the dialling to its end. Returns or throws when it is over. */
  async function followOnce(handlers: Handlers, report: (link: HeartbeatLink) => void, signal: AbortSignal) {
    let token = await tokens.accessToken(signal);
    const over = new AbortController();
    const lifetime = AbortSignal.any([signal, over.signal]);
    const dialling = dial(() => token);
    let connection: NatsConnection;
    try {
      connection = await waitUnlessAborted(dialling, signal);
    } catch (thrown) {
      // A connection that comes up after the abort is closed again.
      dialling.then((late) => late.close()).catch(() => undefined);
      throw thrown;
    }
    const keepTokenFresh = async () => {
      while (!lifetime.aborted) {
        await clock.sleep(TOKEN_LOOK_MS, lifetime);
        token = await tokens.accessToken(lifetime).catch((thrown: unknown) => {
          if (!lifetime.aborted) logger.log('warn', 'nats-token-not-renewed', { error: thrown });
          return token;
        });
      }
    };
    const untilOver = (work: Promise<void>) =>
      work.catch((thrown: unknown) => {
        if (!lifetime.aborted) logger.log('warn', 'nats-follow-problem', { error: thrown });
      });
    const background = [untilOver(keepTokenFresh()), untilOver(reportStatus(connection, report))];
    const onAbort = () => void connection.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await waitUnlessAborted(
        watchBucket(connection, handlers, () => report({ state: 'live' })),
        signal,
      );
    } finally {
      signal.removeEventListener('abort', onAbort);
      openBucket = undefined;
      over.abort();
      await connection.close();
      await Promise.all(background);
    }
  }

  /** Asks something of the bucket on the connection of now. */
  async function ask<T>(question: (bucket: KV) => Promise<T>, signal: AbortSignal): Promise<T> {
    const details = { urls: urls.join(', ') };
    if (openBucket === undefined)
      throw new EnrollmentError('NATS_UNREACHABLE', { details, evidence: 'no link' });
    try {
      return await waitUnlessAborted(question(openBucket), signal);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const link = lostLink(thrown);
      throw new EnrollmentError(link.code, { details, evidence: link.evidence, cause: thrown });
    }
  }

  return {
    newestRevision: (signal) =>
      ask(async (bucket) => (await bucket.status()).streamInfo.state.last_seq, signal),
    removeEntry: (deviceId, signal) =>
      ask(async (bucket) => {
        const entry = await bucket.get(deviceId);
        if (entry === null || entry.operation !== 'PUT') return false;
        await bucket.delete(deviceId);
        return true;
      }, signal),
    follow: async (handlers, signal) => {
      let last = '';
      const report = (link: HeartbeatLink) => {
        const text = JSON.stringify(link);
        if (text === last || signal.aborted) return;
        last = text;
        if (link.state === 'lost') logger.log('warn', 'nats-lost', { ...link });
        else logger.log('info', `nats-${link.state}`);
        handlers.onLink(link);
      };
      report({ state: 'connecting' });
      for (let failures = 0; ; ) {
        signal.throwIfAborted();
        const startedAt = clock.monotonicMs();
        try {
          await followOnce(handlers, report, signal);
          report(lostLink(new Error('The watch ended.')));
        } catch (thrown) {
          signal.throwIfAborted();
          report(lostLink(thrown));
        }
        failures = clock.monotonicMs() - startedAt > LONGEST_RETRY_MS ? 1 : failures + 1;
        const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 8));
        await clock.sleep(ceiling * (0.5 + random.fraction() / 2), signal);
      }
    },
  };
}

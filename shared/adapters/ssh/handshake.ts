import type { Duplex } from 'node:stream';
import type { Clock, Logger } from '../../engine/ports.ts';
import { algorithmsFor } from './algorithms.ts';
import type { HostKeyCheck } from './hosts/host-key-check.ts';
import type { SshLimits } from './limits.ts';
import type { Login } from './login.ts';
import {
  connectError,
  loginUnsuitable,
  lostError,
  misbehaves,
  notInTime,
  type Sighting,
  type SshPlace,
} from './ssh-errors.ts';
import { disagreements, readServerOffer } from './wire/server-offer.ts';
import type { StationClient } from './wire/station-client.ts';
import { guardWire, type WireGuard } from './wire/wire-guard.ts';

export interface Handshake {
  readonly client: StationClient;
  /** Connected already, and not read from yet. */
  readonly stream: Duplex;
  readonly place: SshPlace;
  readonly hostKey: HostKeyCheck;
  readonly login: Login;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: SshLimits;
  readonly signal: AbortSignal;
}

/**
 * Goes through key exchange and login of one host on a stream that is open. Resolves when logged in; from then on a
 * device that breaks the rules of the wire has its connection ended.
 * @throws {EnrollmentError}, or the signal's reason
 */
export function logIn(options: Handshake): Promise<void> {
  const { client, stream, place, hostKey, login, clock, logger, limits, signal } = options;
  const algorithms = algorithmsFor(hostKey.wantedTypes);
  let guard: WireGuard | undefined;
  const sighting = (): Sighting => {
    const offer = readServerOffer(guard?.firstBytes() ?? Buffer.alloc(0));
    return {
      login: login.attempts(),
      greeting: guard?.greeting() ?? '',
      disagreements: offer === undefined ? [] : disagreements(offer, algorithms),
    };
  };

  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (outcome: () => void) => {
      if (settled) return;
      settled = true;
      cancelDeadline();
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const fail = (error: unknown) =>
      settle(() => {
        reject(error);
        client.destroy();
      });
    const onAbort = () => fail(signal.reason);
    const cancelDeadline = clock.after(limits.connectMs, () =>
      fail(notInTime(place, limits.connectMs, guard?.greeting() ?? '')),
    );
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });

    let banners = 0;
    client.on('banner', () => {
      banners += 1;
      if (banners > limits.banners)
        fail(misbehaves(place, `it sends more than ${limits.banners} messages before the login`));
    });
    // A device that wants a new password gets none: nobody is there to choose one.
    client.on('change password', () =>
      fail(loginUnsuitable(place, 'The device wants the password to be changed first.')),
    );
    client.on('error', (thrown: Error & { level?: string }) => {
      logger.log('debug', 'ssh-error', { address: place.address, error: thrown });
      // One key could not sign: the next one is tried.
      if (thrown.level === 'agent' || thrown.message.startsWith('Error signing data')) {
        login.keyFailed(`A key was not used: ${thrown.message}`);
        return;
      }
      fail(hostKey.refusal() ?? connectError(thrown, place, sighting()));
    });
    client.on('close', () => fail(lostError(place, 'The device closed the connection before the login.')));
    client.on('ready', () => {
      guard?.loginIsOver();
      settle(resolve);
    });

    let questions = 0;
    const asked = (): boolean => {
      questions += 1;
      if (questions <= limits.questions) return true;
      fail(misbehaves(place, `it asks more than ${limits.questions} times before the login`));
      return false;
    };

    try {
      client.connect({
        sock: stream as never,
        username: place.user,
        algorithms,
        hostVerifier: (keyBlob: Buffer) => hostKey.verify(keyBlob),
        authHandler: (accepted, _partial, next) => {
          const method = login.next(accepted);
          if (method !== false && method.type === 'keyboard-interactive') {
            const { prompt } = method;
            method.prompt = (...call) => {
              if (asked()) prompt(...call);
            };
          }
          next(method as never);
        },
        agentForward: false,
        // The deadline above covers everything.
        readyTimeout: 0,
        keepaliveInterval: limits.keepaliveMs,
        keepaliveCountMax: limits.keepaliveMisses,
      });
      client.runOn(stream);
      guard = guardWire(stream, limits, (problem) => {
        if (!settled) return fail(misbehaves(place, problem));
        // The session hears of it by the library's way for everything that ends a connection.
        client.emit('error', new Error(`The connection was ended: ${problem}.`));
        client.destroy();
        return undefined;
      });
    } catch (thrown) {
      // What the library finds wrong before it begins (an empty user name, say) it throws.
      fail(connectError(thrown, place, sighting()));
    }
    return undefined;
  });
}

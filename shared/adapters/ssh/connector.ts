import ssh2 from 'ssh2';
import type { Clock, DeviceCredential, DeviceSession, HostKeyPins, Logger } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { Profile } from '../../model/profile.ts';
import type { Secret } from '../../model/secret.ts';
import { formatAddress, type SshTarget } from '../../model/target.ts';
import { readPrivateKey } from '../system/private-key-file.ts';
import { algorithms } from './algorithms.ts';
import { hostKeyFingerprint } from './fingerprint.ts';
import { createHandshakeGate } from './handshake-gate.ts';
import { defaultSshLimits, type SshLimits } from './limits.ts';
import { prepareLogin } from './login.ts';
import { createSession } from './session.ts';
import { connectError, lostError } from './ssh-errors.ts';

/** The part of `DeviceConnector` that is reached over SSH. */
export interface SshConnector {
  connect(
    target: SshTarget,
    options: {
      readonly credential: DeviceCredential;
      readonly hostKeys: HostKeyPins;
      readonly signal: AbortSignal;
      readonly onNote?: (text: string) => void;
    },
  ): Promise<DeviceSession>;
}

export interface SshConnectorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The profile's section: which keys are offered. */
  readonly ssh: Pick<Profile['ssh'], 'private_key_file'>;
  readonly limits?: Partial<SshLimits>;
}

interface Attempt {
  readonly target: SshTarget;
  readonly credential: DeviceCredential;
  readonly privateKey: Secret | undefined;
  readonly expectedHostKey: string | undefined;
  readonly signal: AbortSignal;
}

interface HostKeyCheck {
  verify(keyBlob: Buffer): boolean;
  seen(): string;
  /** The key that was shown instead of the expected one. */
  refused(): string | undefined;
}

/** Compares every key the device shows with the pinned one, or, at first contact, with the first one shown. */
function checkHostKey(expected: string | undefined): HostKeyCheck {
  let known = expected;
  let refused: string | undefined;
  return {
    verify: (keyBlob) => {
      const shown = hostKeyFingerprint(keyBlob);
      known ??= shown;
      if (shown !== known) refused = shown;
      return refused === undefined;
    },
    seen: () => known ?? '',
    refused: () => refused,
  };
}

function hostKeyChanged(target: SshTarget, expected: string, actual: string): EnrollmentError {
  const address = formatAddress(target);
  return new EnrollmentError('DEVICE_HOST_KEY_CHANGED', {
    details: { address, place: address, expected, actual },
    subject: address,
    phase: 'connect',
    evidence: `Known: ${expected}\nNow: ${actual}`,
  });
}

/** A session whose key cannot be pinned is not used. */
function pin(session: DeviceSession, write: () => void): void {
  try {
    write();
  } catch (thrown) {
    session.close();
    throw thrown;
  }
}

/** An sshd with too many logins at once, or one that is just starting, hangs up at random: calling again helps. */
const MOST_REDIALS = 3;
const REDIAL_WAIT_MS = 100;

/** True when the device hung up before a key was exchanged: nothing of ours was sent yet. */
function endedBeforeHandshake(thrown: unknown): boolean {
  const isLost = thrown instanceof EnrollmentError && thrown.code === 'DEVICE_CONNECTION_LOST';
  return (
    isLost && thrown.cause instanceof Error && thrown.cause.message === 'Connection lost before handshake'
  );
}

/**
 * Connects over SSH with `ssh2`. The only place of the program that makes an SSH client: host key checked
 * before any secret is offered, strong algorithms, no agent, no forwarding, and a limit on everything a device
 * can send.
 */
export function createSshConnector(options: SshConnectorOptions): SshConnector {
  const { clock, logger } = options;
  const limits: SshLimits = { ...defaultSshLimits, ...options.limits };
  const gate = createHandshakeGate(limits.handshakes);

  async function handshake(attempt: Attempt): Promise<DeviceSession> {
    const { target, credential, privateKey, expectedHostKey, signal } = attempt;
    signal.throwIfAborted();
    const user = target.user ?? credential.user;
    const place = { target, user };
    const address = formatAddress(target);
    const hostKey = checkHostKey(expectedHostKey);
    const login = prepareLogin({ user, privateKey, password: credential.password });
    const client = new ssh2.Client();

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
      const cancelDeadline = clock.after(limits.connectMs, () => {
        const evidence = `Not logged in after ${limits.connectMs / 1000} s.`;
        fail(
          new EnrollmentError('DEVICE_UNREACHABLE', {
            details: { address },
            subject: address,
            phase: 'connect',
            evidence,
          }),
        );
      });
      signal.addEventListener('abort', onAbort, { once: true });

      let banners = 0;
      client.on('banner', () => {
        banners += 1;
        if (banners > limits.banners)
          fail(lostError(place, `More than ${limits.banners} messages before the login.`));
      });
      // A device that wants a new password gets none: nobody is there to choose one.
      client.on('change password', () =>
        fail(
          connectError(
            { level: 'client-authentication' },
            place,
            'The device wants the password to be changed first.',
          ),
        ),
      );
      client.on('error', (thrown: unknown) => {
        const shown = hostKey.refused();
        if (shown !== undefined) fail(hostKeyChanged(target, hostKey.seen(), shown));
        else fail(connectError(thrown, place, login.evidence()));
        logger.log('debug', 'ssh-error', { address, error: thrown });
      });
      client.on('close', () => fail(lostError(place, 'The device closed the connection before the login.')));
      client.on('ready', () => {
        // ssh2 leaves Nagle's algorithm on, which holds every small message back for a delayed acknowledgement.
        client.setNoDelay(true);
        settle(() => {
          logger.log('debug', 'ssh-connected', { address, user, hostKey: hostKey.seen() });
          resolve(createSession({ client, place, hostKeyFingerprint: hostKey.seen(), clock, limits }));
        });
      });

      try {
        client.connect({
          host: target.host,
          port: target.port,
          username: user,
          algorithms,
          hostVerifier: (keyBlob: Buffer) => hostKey.verify(keyBlob),
          authHandler: (accepted, _partial, next) => next(login.next(accepted) as never),
          agentForward: false,
          // The deadline above covers everything from the dialling on.
          readyTimeout: 0,
          keepaliveInterval: limits.keepaliveMs,
          keepaliveCountMax: limits.keepaliveMisses,
        });
      } catch (thrown) {
        // What the library finds wrong before it dials (an empty user name, say) it throws.
        fail(connectError(thrown, place, login.evidence()));
      }
    });
  }

  return {
    connect: async (target, { credential, hostKeys, signal, onNote }) => {
      const file = options.ssh.private_key_file;
      const privateKey = file === undefined ? undefined : await readPrivateKey(file, signal);
      // By address, not by account: another login name is no reason to trust another key.
      const place = formatAddress(target);
      const pinned = hostKeys.hostKey(place);
      for (let redials = 0; ; redials += 1) {
        const leave = await gate.enter(signal);
        try {
          const expectedHostKey = pinned?.fingerprint;
          const session = await handshake({ target, credential, privateKey, expectedHostKey, signal });
          const fingerprint = session.hostKeyFingerprint ?? '';
          onNote?.(
            `host key ${fingerprint}, ${pinned === undefined ? 'first contact, pinned' : 'as pinned'}`,
          );
          if (pinned === undefined)
            pin(session, () =>
              hostKeys.pinHostKey(place, { fingerprint, keyType: undefined }, clock.nowMs()),
            );
          return session;
        } catch (thrown) {
          if (!endedBeforeHandshake(thrown) || redials === MOST_REDIALS) throw thrown;
        } finally {
          leave();
        }
        await clock.sleep(REDIAL_WAIT_MS * 2 ** redials, signal);
      }
    },
  };
}

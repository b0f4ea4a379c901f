import type { Duplex } from 'node:stream';
import type { Clock, DeviceCredential, DeviceSession, HostKeyPins, Logger } from '../../engine/ports.ts';
import { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { SshTarget } from '../../model/target.ts';
import { createConfigReader } from './config/config-reader.ts';
import { logIn } from './handshake.ts';
import { createHandshakeGates } from './handshake-gate.ts';
import { createHostKeyCheck, type HostKeyCheck } from './hosts/host-key-check.ts';
import type { KnownHosts } from './hosts/known-hosts.ts';
import { createKnownHostsReader } from './hosts/read-known-hosts.ts';
import { createKeyGatherer } from './keys/gather-keys.ts';
import { createKeyRing } from './keys/key-ring.ts';
import { defaultSshLimits, type SshLimits } from './limits.ts';
import { prepareLogin } from './login.ts';
import { createPenaltyMemory } from './penalty-memory.ts';
import { type Account, type Hop, planRoute, type SshSettings } from './route.ts';
import { createSession } from './session.ts';
import { connectError, HUNG_UP_EARLY, jumpError, noConnection, type SshPlace } from './ssh-errors.ts';
import { dial } from './wire/dial.ts';
import { StationClient } from './wire/station-client.ts';

export interface SshConnectOptions {
  readonly credential: DeviceCredential;
  readonly hostKeys: HostKeyPins;
  readonly signal: AbortSignal;
  readonly onNote?: (text: string) => void;
}

/** The part of `DeviceConnector` that is reached over SSH. */
export interface SshConnector {
  connect(target: SshTarget, options: SshConnectOptions): Promise<DeviceSession>;
}

export interface SshConnectorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The profile's section. */
  readonly ssh: SshSettings;
  readonly account: Account;
  readonly limits?: Partial<SshLimits>;
}

/** An sshd with too many logins at once, or one that is just starting, hangs up at random: calling again helps. */
const MOST_REDIALS = 3;
const REDIAL_WAIT_MS = 100;
const nothingTried = { accepted: [], keys: [], asksForOther: false, evidence: '' };
const nothingSeen = { login: nothingTried, greeting: '', disagreements: [] };

/**
 * Connects over SSH with `ssh2`. The only place of the program that makes an SSH client: host key checked
 * before any secret is offered, strong algorithms, no agent forwarding, and a limit on everything a device
 * can send. One TCP connection a device.
 */
export function createSshConnector(options: SshConnectorOptions): SshConnector {
  const { clock, logger, ssh: settings, account } = options;
  const limits: SshLimits = { ...defaultSshLimits, ...options.limits };
  const gates = createHandshakeGates(limits.handshakes);
  const penalties = createPenaltyMemory(clock);
  const keyRing = createKeyGatherer({ clock, ring: createKeyRing() });
  const readKnownHosts = createKnownHostsReader(settings.known_hosts_file);
  const readConfiguration = createConfigReader(settings.config_file, account.home);

  async function openStream(hop: Hop, place: SshPlace, carrier: Carrier | undefined, signal: AbortSignal) {
    const limit = withLimit(signal, clock, limits.connectMs);
    try {
      const { host, port } = hop.target;
      if (carrier !== undefined) return await unlessAborted(carrier.client.openWay(host, port), limit.signal);
      return await dial({ host, port, family: hop.family, clock, signal: limit.signal });
    } catch (thrown) {
      signal.throwIfAborted();
      if (limit.signal.aborted) throw noConnection(place, limits.connectMs);
      if (carrier !== undefined) throw jumpError(carrier.place, place, thrown);
      throw connectError(thrown, place, nothingSeen);
    } finally {
      limit.cancel();
    }
  }

  async function logInAt(
    hop: Hop,
    place: SshPlace,
    known: KnownHosts | undefined,
    carrier: Carrier | undefined,
    request: SshConnectOptions,
  ): Promise<Carrier> {
    const { credential, hostKeys, signal, onNote } = request;
    const gathered = await keyRing.gather(hop.keys, credential.keyPassphrase, signal);
    for (const note of gathered.notes) onNote?.(note);
    const hostKey = createHostKeyCheck({
      ...{ address: hop.address, place: hop.place, pinned: hostKeys.hostKey(hop.place) },
      known: known?.of(hop.knownName),
      policy: settings.host_keys ?? 'pin',
    });
    const { keys } = gathered;
    // The password is the devices', and a jump host is none.
    const password = place.isJump ? undefined : credential.password;
    const login = prepareLogin({ user: place.user, keys, password });
    const client = new StationClient(carrier?.client);
    let stream: Duplex | undefined;
    try {
      stream = await openStream(hop, place, carrier, signal);
      await logIn({ client, stream, place, hostKey, login, clock, logger, limits, signal });
    } catch (thrown) {
      stream?.destroy();
      if (login.hasOffered && thrown instanceof EnrollmentError) penalties.note(hop, thrown);
      throw penalties.explain(hop, place, thrown);
    }
    keepHostKey(hop, hostKey, request, client);
    return { client, place, fingerprint: hostKey.trusted()?.key.fingerprint ?? '' };
  }

  /** Pins what was trusted at first contact. A connection whose key cannot be pinned is not used. */
  function keepHostKey(
    hop: Hop,
    check: HostKeyCheck,
    request: SshConnectOptions,
    client: StationClient,
  ): void {
    const trusted = check.trusted();
    if (trusted === undefined) return;
    const { key, trust } = trusted;
    try {
      const pinned = request.hostKeys.hostKey(hop.place);
      const lacksType = trust === 'pinned' && pinned?.keyType === undefined;
      if (trust === 'first-contact' || lacksType) request.hostKeys.pinHostKey(hop.place, key, clock.nowMs());
    } catch (thrown) {
      client.destroy();
      throw thrown;
    }
    const words = {
      'first-contact': 'first contact, pinned',
      pinned: 'as pinned',
      'known-hosts': 'as in the known hosts file',
    };
    const where = `${hop.address}: ${key.keyType ?? ''} ${key.fingerprint}`;
    request.onNote?.(`host key of ${where}, ${words[trust]}`);
  }

  async function connectOnce(hops: readonly Hop[], request: SshConnectOptions): Promise<DeviceSession> {
    const known = await readKnownHosts(request.signal);
    let reached: Carrier | undefined;
    for (const [index, hop] of hops.entries()) {
      const isJump = index < hops.length - 1;
      const place = { address: hop.address, user: hop.target.user, isJump };
      try {
        reached = await logInAt(hop, place, known, reached, request);
      } catch (thrown) {
        reached?.client.destroy();
        throw thrown;
      }
      logger.log('debug', 'ssh-connected', { ...place, hostKey: reached.fingerprint });
    }
    if (reached === undefined) throw new Error('A route has at least one hop.');
    const { client, place, fingerprint } = reached;
    return createSession({ client, place, hostKeyFingerprint: fingerprint, clock, limits });
  }

  return {
    connect: async (target, request) => {
      const { signal, credential } = request;
      signal.throwIfAborted();
      const config = await readConfiguration(signal);
      const hops = planRoute({ target, credential, settings, config, account });
      const nearest = hops[0]?.target.host ?? target.host;
      for (let redials = 0; ; redials += 1) {
        const leave = await gates.enter(nearest, signal);
        try {
          return await connectOnce(hops, request);
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

/** A host that is logged into. */
interface Carrier {
  readonly client: StationClient;
  readonly place: SshPlace;
  readonly fingerprint: string;
}

/** True when the device hung up before a key was exchanged: nothing of ours was sent yet. */
function endedBeforeHandshake(thrown: unknown): boolean {
  const isLost = thrown instanceof EnrollmentError && thrown.code === 'DEVICE_CONNECTION_LOST';
  return isLost && thrown.cause instanceof Error && thrown.cause.message === HUNG_UP_EARLY;
}

/** A signal that is also aborted when the time is over. */
function withLimit(signal: AbortSignal, clock: Clock, limitMs: number) {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const cancelTimer = clock.after(limitMs, () => stop.abort(new Error('The time is over.')));
  return {
    signal: stop.signal,
    cancel: () => {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/** The result of work that cannot be stopped; a stream that comes too late is closed. */
function unlessAborted<T extends Duplex>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(
      (stream) => {
        if (signal.aborted) stream.destroy();
        else resolve(stream);
      },
      (error: unknown) => reject(error),
    );
  });
}

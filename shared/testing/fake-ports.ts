import { createHash } from 'node:crypto';
import type { AgentBinary, Random, StationPorts } from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { formatAddress } from '../model/target.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeDevice } from './fake-device.ts';
import { FakeHeartbeats } from './fake-heartbeats.ts';
import { FakeIdentityProvider } from './fake-identity-provider.ts';
import { FakeSignInClient, FakeTokenCache, FakeTokenCheck } from './fake-sign-in.ts';
import { MemoryJournal } from './memory-journal.ts';
import { RecordingLogger } from './recording-logger.ts';

/** SHA-256 of text, lower-case hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Chance that counts: every value is new, and the same in every run. */
export class CountingRandom implements Random {
  #count = 0;

  uuid(): string {
    return `00000000-0000-4000-8000-${this.hex(6)}`;
  }

  fraction(): number {
    return 0.5;
  }

  hex(length: number): string {
    this.#count += 1;
    return this.#count.toString(16).padStart(length * 2, '0');
  }
}

/** An agent binary of a few bytes. */
export function fakeBinary(path: string, architecture: string): AgentBinary {
  const content = `\x7fELF agent for ${architecture} `.repeat(50);
  return {
    path,
    architecture,
    sizeBytes: content.length,
    sha256: sha256(content),
    async *chunks() {
      yield new TextEncoder().encode(content.slice(0, 100));
      yield new TextEncoder().encode(content.slice(100));
    },
  };
}

/** All doubles of one world, and the ports made of them. A second `ports()` is a restarted station. */
export interface FakeWorld {
  readonly clock: FakeClock;
  readonly journal: MemoryJournal;
  readonly logger: RecordingLogger;
  readonly identity: FakeIdentityProvider;
  readonly heartbeats: FakeHeartbeats;
  readonly signIn: FakeSignInClient;
  readonly tokenCache: FakeTokenCache;
  readonly tokenCheck: FakeTokenCheck;
  readonly openedUrls: string[];
  /** Devices by address, `host` or `host:port`. */
  readonly devices: Map<string, FakeDevice>;
  /** Files by path that are not there, or are for another architecture. */
  readonly brokenBinaries: Map<string, EnrollmentError>;
  /** SSH passwords the devices ask for; without one the key is enough. */
  readonly sshPasswords: Map<string, string>;
  addDevice(deviceId: string, address: string): FakeDevice;
  ports(): StationPorts;
}

/** A world without devices, with a provider, a bucket, a keychain and a journal that work. */
export function createFakePorts(): FakeWorld {
  const clock = new FakeClock();
  const random = new CountingRandom();
  const journal = new MemoryJournal();
  const logger = new RecordingLogger();
  const identity = new FakeIdentityProvider();
  const heartbeats = new FakeHeartbeats(clock);
  const signIn = new FakeSignInClient(clock);
  const tokenCache = new FakeTokenCache();
  const tokenCheck = new FakeTokenCheck();
  const devices = new Map<string, FakeDevice>();
  const brokenBinaries = new Map<string, EnrollmentError>();
  const sshPasswords = new Map<string, string>();
  const openedUrls: string[] = [];
  const ports = (): StationPorts => ({
    ...{ clock, random, journal, logger, signIn, tokenCache, tokenCheck, sha256 },
    connector: {
      reachesThisComputer: true,
      connect: async (target, { credential, hostKeys, signal, onNote }) => {
        if (signal.aborted) throw signal.reason;
        const address = formatAddress(target);
        const device = devices.get(address);
        if (device === undefined || !device.answers)
          throw new EnrollmentError('DEVICE_UNREACHABLE', { details: { address } });
        const pinned = hostKeys.hostKey(address);
        if (pinned !== undefined && pinned.fingerprint !== device.hostKey) {
          const details = { address, place: address, expected: pinned.fingerprint, actual: device.hostKey };
          throw new EnrollmentError('DEVICE_HOST_KEY_CHANGED', { details });
        }
        const password = sshPasswords.get(address);
        if (password !== undefined && credential.password?.reveal() !== password)
          throw new EnrollmentError('DEVICE_LOGIN_REFUSED', { details: { address, user: credential.user } });
        const known = pinned === undefined ? 'first contact, pinned' : 'as pinned';
        onNote?.(`host key ${device.hostKey}, ${known}`);
        if (pinned === undefined && target.kind === 'ssh')
          hostKeys.pinHostKey(
            address,
            { fingerprint: device.hostKey, keyType: 'ssh-ed25519' },
            clock.nowMs(),
          );
        return device.open(credential.user);
      },
    },
    binaries: {
      open: async (path, architecture) => {
        const broken = brokenBinaries.get(path);
        if (broken !== undefined) throw broken;
        return fakeBinary(path, architecture);
      },
    },
    createIdentityProvider: (_profile, tokens, onPause) => {
      identity.tokens = tokens;
      identity.onPause = onPause;
      return identity;
    },
    createHeartbeatWatch: (profile) => (profile.nats === undefined ? undefined : heartbeats),
    openBrowser: async (url) => {
      openedUrls.push(url);
      return true;
    },
    close: async () => journal.close(),
  });
  return {
    ...{ clock, journal, logger, identity, heartbeats, signIn, tokenCache, tokenCheck, openedUrls },
    ...{ devices, brokenBinaries, sshPasswords, ports },
    addDevice: (deviceId, address) => {
      const beat = (id: string, keyId: string): void => {
        heartbeats.beat(id, keyId);
      };
      const device = new FakeDevice({
        deviceId,
        clock,
        beat,
        isLive: (keyId) => identity.isLive(keyId),
      });
      device.machineId = sha256(address).slice(0, 32);
      devices.set(address, device);
      return device;
    },
  };
}
